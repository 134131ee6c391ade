"""A real hein receiver: prints what it is told, with its tag, as Python writes it.

Arguments: host, port, name.
"""

import sys
import time

from hein import SocReceiver


class Receiver(SocReceiver):
    def _newconnection(self):
        print("connected", flush=True)

    def process(self, data, tag):
        # A list of bytes is a text there; everything else has its own type.
        shown = {key: data[key] for key in sorted(data)} if isinstance(data, dict) else data
        print("told " + repr(tag) + " " + type(data).__name__ + " " + repr(shown), flush=True)


host, port, name = sys.argv[1:]
receiver = Receiver(port=int(port), name=name, hostname=host)
for line in sys.stdin:
    pass
receiver.close()
