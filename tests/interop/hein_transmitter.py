"""A real hein transmitter: tells what it is told on stdin, as Python values.

Arguments: its port. Lines: `ping`, `raw TAG TEXT`, or `tell TAG EXPRESSION`.
"""

import datetime
import sys

import pytz
from hein import SocTransmitter


class Transmitter(SocTransmitter):
    def _newconnection(self, name):
        print("connected " + name, flush=True)

    def _dropped(self, name):
        print("dropped " + name, flush=True)


if __name__ == "__main__":
    transmitter = Transmitter(port=int(sys.argv[1]), nreceivermax=5)
    print("started", flush=True)
    for line in sys.stdin:
        verb, _, rest = line.rstrip("\n").partition(" ")
        if verb == "ping":
            print("ping " + repr(transmitter.ping()), flush=True)
            continue
        tag, _, text = rest.partition(" ")
        tag = None if tag == "-" else tag
        if verb == "raw":
            transmitter.tell_raw(text, tag=tag)
        else:
            transmitter.tell(eval(text, {"datetime": datetime, "pytz": pytz}), tag=tag)
        print("told", flush=True)
    transmitter.close()
