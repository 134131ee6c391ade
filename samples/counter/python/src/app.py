"""A counter that remembers: `single` keeps one instance a node, one call at a time, so that ordinary variables live from
event to event. A new version takes the total over from the one before (`save`, `restore`); it begins at 0 again when the
node does.

    hive-node publish counter/add      one more
    hive-node publish counter/add 5    five more
    hive-node call counter/total       answers 6
    hive-node subscribe counter/changed counter/report

Every ten seconds it says what it has counted, whether that changed or not.
"""

import hive

hive.plugin(instances="single", publishes=["counter/changed", "counter/report"])

count = 0


@hive.on("counter/add")
def add(amount: int | None) -> None:
    global count
    count += 1 if amount is None else amount
    hive.publish("counter/changed", count)


@hive.answer("counter/total")
def total() -> int:
    return count


@hive.save
def save() -> int:
    return count


@hive.restore
def restore(saved: int) -> None:
    global count
    count = saved


@hive.tick("report", "@every 10s")
def report() -> None:
    hive.publish("counter/report", count)
