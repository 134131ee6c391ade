"""A real plugin of event-engine's: asks for events, publishes and quits as it is told on stdin.

Arguments: host, port. Lines: `next`, `publish TEXT`, `quit`.
"""

import sys

import zmq
from pyevents.events import get_next_msg, get_plugin_socket, publish_msg, send_quit_command

context = zmq.Context()
socket = get_plugin_socket(context, int(sys.argv[2]), host=sys.argv[1])
print("connected", flush=True)
for line in sys.stdin:
    verb, _, text = line.rstrip("\n").partition(" ")
    if verb == "next":
        print("event " + repr(get_next_msg(socket)), flush=True)
    elif verb == "publish":
        print("reply " + publish_msg(socket, text.encode()), flush=True)
    elif verb == "quit":
        send_quit_command(socket)
        print("quit", flush=True)
