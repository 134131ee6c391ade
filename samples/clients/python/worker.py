"""A plugin that is a process: it greets, and says whom."""
import json
import os
from websockets.sync.client import unix_connect

def greet(name):
    if not name.strip():
        raise ValueError("nobody is called nothing")
    return f"Hello, {name}, from Python {os.getpid()}!"

with unix_connect(os.environ["HIVE_NODE"], "ws://localhost/v1/plugin", max_size=None) as socket:
    def say(**message):
        socket.send(json.dumps(message))

    say(type="join", name=os.environ.get("HIVE_PLUGIN", "worker"), token=os.environ.get("HIVE_TOKEN"),
        subscriptions=[{"pattern": "greet/python", "answers": True}], publishes=["greeted/*"])
    say(type="ready")
    for event in map(json.loads, socket):
        if event["type"] == "error":
            print(event["error"]["message"])
        if event["type"] != "event":
            continue
        try:
            name = json.loads(event["payload"])
            answer = json.dumps(greet(name))
            say(type="publish", channel="greeted/log", payload=name)
            say(type="done", task=event["task"], payload=answer)
        except ValueError as error:  # hopeless: whoever asked is told so, an event is a dead letter
            say(type="reject", task=event["task"], reason=str(error))
        except Exception as error:  # passing trouble: an event is given again
            say(type="retry", task=event["task"], reason=repr(error))
