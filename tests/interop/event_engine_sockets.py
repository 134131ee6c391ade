"""A publisher and a subscriber as event-engine's own plugins are, over TCP.

Arguments: host, port of those who publish, port of those who subscribe, what to subscribe to.
Lines on stdin: `publish TEXT`.
"""

import sys
import threading

import zmq

host, publish, subscribe, prefix = sys.argv[1:]
context = zmq.Context()
publisher = context.socket(zmq.PUB)
publisher.connect(f"tcp://{host}:{publish}")
subscriber = context.socket(zmq.SUB)
subscriber.connect(f"tcp://{host}:{subscribe}")
subscriber.setsockopt(zmq.SUBSCRIBE, prefix.encode())


def listen():
    while True:
        print("event " + repr(subscriber.recv()), flush=True)


threading.Thread(target=listen, daemon=True).start()
print("connected", flush=True)
for line in sys.stdin:
    _, _, text = line.rstrip("\n").partition(" ")
    publisher.send(text.encode())
