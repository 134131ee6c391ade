import hive

hive.plugin(instances="single", publishes=["chain/*"])

HERE = 0


@hive.save
def save() -> int:
    return HERE


@hive.restore
def restore(saved: int) -> None:
    global HERE
    HERE = saved


@hive.answer("greet-python/count")
def count() -> list[int]:
    global HERE
    HERE += 1
    return [hive.state.increment("count"), HERE]


@hive.answer("greet-python/keep")
def keep() -> list[object]:
    hive.state["kept/a"] = "one"
    hive.state.set("kept/b", b"1", ttl=3600)
    del hive.state["kept/none"]
    return [
        hive.state["kept/a"],
        hive.state.get("kept/none"),
        hive.state.get_each(["kept/none", "kept/b"])[1],
        list(hive.state.keys("kept/")),
        hive.state.swap("kept/a", "two", "x"),
        hive.state.swap("kept/a", "one", "three"),
        hive.state.get("kept/a", kind=str),
        hive.once("it"),
        hive.once("it"),
        hive.secret("door"),
    ]


@hive.answer("greet-python/read")
def read(text: str | None) -> str | None:
    return text


@hive.on("greet-python/pay")
def pay(order: dict, ctx: hive.Context) -> None:
    if not ctx.once():
        return
    hive.state.increment("paid")
    hive.state.flush()
    if ctx.attempt == 1:
        raise OSError("the printer is busy")


@hive.answer("greet-python/paid")
def paid() -> int:
    return hive.state["paid"]


@hive.on("chain/python")
def pass_on(way: list[str]) -> None:
    hive.publish("chain/c", [*way, "python"])


@hive.answer("greet-python/boom")
def stumble(order):
    return order["customer"]
