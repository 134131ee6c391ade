"""A plugin that is a process, and does as its events say: for the tests of tests/it/external.rs.

It listens to `work/*`, whose payload is what to do, answers on `ask/*`, and says on `did/*` what it did.
"""
import argparse
import json
import os
import subprocess
import sys
import time

from websockets.sync.client import unix_connect

flags = argparse.ArgumentParser()
flags.add_argument("--name", default=os.environ.get("HIVE_PLUGIN"))
flags.add_argument("--window", type=int)
flags.add_argument("--wait-for", metavar="FILE", help="is ready when that is there")
flags.add_argument("--ask", action="store_true", help="is ready when a line came on stdin")
flags.add_argument("--child", action="store_true", help="starts a process of its own")
flags.add_argument("--mended", metavar="FILE", help="rejects `broken` unless that is there")
flags.add_argument("--garbage", action="store_true", help="says nonsense instead of `ready`")
flags.add_argument("--other", action="store_true", help="answers on `other/*` alone")
flags = flags.parse_args()

socket = unix_connect(os.environ["HIVE_NODE"], "ws://localhost/v1/plugin", max_size=None)
later = []


def say(**message):
    socket.send(json.dumps(message))


def call(channel, payload):
    say(type="call", call=1, channel=channel, payload=payload)
    for frame in socket:
        message = json.loads(frame)
        if message["type"] == "answered":
            return message
        later.append(message)
    sys.exit("the node went")


def work(event):
    what = event["payload"]
    print(f"at it: {what}, pid {os.getpid()}, attempt {event['attempt']}")
    if what == "stall" and event["attempt"] == 1:
        time.sleep(1000)
    elif what == "retry" and event["attempt"] == 1:
        return dict(type="retry", reason="not yet", after_ms=1)
    elif what == "broken" and not (flags.mended and os.path.exists(flags.mended)):
        return dict(type="reject", reason="it is broken")
    elif what == "leave" and event["attempt"] == 1:
        sys.exit("it leaves in the middle")
    elif what == "crash":
        socket.close()
        sys.exit("it stumbles\nover a stone")
    elif what == "object" and event["attempt"] == 1:
        return dict(type="done", payload={"a": 1})
    elif what == "elsewhere":
        say(type="publish", channel="elsewhere/x", payload="not allowed")
    done = dict(what=what, attempt=event["attempt"], pid=os.getpid())
    say(type="publish", channel="did/it", payload=json.dumps(done), content_type="application/json")
    return dict(type="done")


def answer(event):
    asked = event["channel"].split("/")[-1]
    if asked == "through":
        answered = call(*event["payload"].split(" ", 1))
        error = answered.get("error")
        if error:
            print(error["message"], error.get("hint"))
        return dict(type="done", payload=error["code"] if error else answered["message"]["payload"])
    if asked == "refuse":
        return dict(type="reject", reason="it does not like that")
    return dict(type="done", payload=f"{event['payload']} from {flags.name}")


def handle(event):
    outcome = answer(event) if "request" in event else work(event)
    say(**outcome, task=event["task"])


listens = [{"pattern": "other/*", "answers": True}]
if not flags.other:
    listens = [{"pattern": "work/*"}, {"pattern": "ask/*", "answers": True}]
say(type="join", name=flags.name, token=os.environ.get("HIVE_TOKEN"), version="1.2", window=flags.window,
    subscriptions=listens, publishes=["did/*", "ask/*", "other/*"])
first = json.loads(socket.recv())
if first["type"] != "joined":
    sys.exit(first["error"]["message"])
print(f"joined with {first['config']}")
if flags.child:
    print(f"child {subprocess.Popen(['sleep', '1000']).pid}, pid {os.getpid()}")
if flags.garbage:
    socket.send("ready?")
while flags.wait_for and not os.path.exists(flags.wait_for):
    time.sleep(0.01)
if flags.ask:
    sys.stdin.readline()
say(type="ready")
print("ready")
for frame in socket:
    later.append(json.loads(frame))
    while later:
        message = later.pop(0)
        if message["type"] == "event":
            handle(message)
        elif message["type"] == "error":
            print(message["error"]["message"], message["error"].get("hint"))
print("let go")
