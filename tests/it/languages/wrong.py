import urllib.request

import hive


@hive.on("wrong/try")
def attempt(how: str) -> None:
    held = []
    if how == "open":
        open("x")
    if how == "url":
        urllib.request.urlopen("http://localhost.example/")
    if how == "denied":
        hive.publish("out/x", 1)
    while how == "memory":
        held.append(bytearray(1 << 20))
    if how == "nan":
        hive.publish("out/x", {"rooms": [{"celsius": float("nan")}]})
    if how == "circular":
        held.append(held)
        hive.retain("out/x", held)


@hive.answer("wrong/answer")
def answered() -> list[float]:
    return [float("inf")]
