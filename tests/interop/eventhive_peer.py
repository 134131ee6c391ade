"""A real EventHive process: prints what its hooks get, publishes what it is told on stdin.

Arguments: the configuration's file, then names of events: those that are hooked, and behind `--` those that it publishes.
EventHive knows only events that are declared before it is initialised.
"""

import json
import sys

import eventhive

config, names = sys.argv[1], sys.argv[2:]
cut = names.index("--") if "--" in names else len(names)
hooked, published = names[:cut], names[cut + 1 :]

eventhive.CONFIG.read_file(config)


def hook(name):
    eventhive.EVENTS.append(name)

    @eventhive.hook(name)
    def took(message):
        print(json.dumps({"event": name, "message": message}), flush=True)


for name in hooked:
    hook(name)
for name in published:
    eventhive.EVENTS.append(name)
eventhive.init()
print("servers " + json.dumps(list(eventhive.SERVERS)), flush=True)
print("initialised " + json.dumps(list(eventhive.CONNECTORS)), flush=True)
for line in sys.stdin:
    name, data = line.split(" ", 1)
    eventhive.EVENTS.call(name, json.loads(data))
    print("published " + name, flush=True)
eventhive.stop()
