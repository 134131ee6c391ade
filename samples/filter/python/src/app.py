"""A filter that transforms: it listens to every sensor and lets only what is too high through, as an alert.

    hive-node subscribe 'alert/*'
    hive-node publish sensor/attic/reading '{"celsius": 21}'   nothing happens
    hive-node publish sensor/attic/reading '{"celsius": 41}'   an alert on alert/attic
    hive-node publish sensor/attic/reading '{"celsius": -500}' a dead letter: no thermometer shows that

What is too high is the plugin's configuration value `limit`; 30 if there is none.
"""

from dataclasses import dataclass

import hive

ABSOLUTE_ZERO = -273.15

hive.plugin(publishes=["alert/*"])


@dataclass
class Reading:
    celsius: float


@dataclass
class Alert:
    sensor: str
    celsius: float
    limit: float


@hive.on("sensor/*/reading")
def check(reading: Reading, ctx: hive.Context) -> None:
    if reading.celsius < ABSOLUTE_ZERO:
        raise hive.Reject(f"{reading.celsius} °C is colder than anything can be")
    limit = hive.config.get("limit", 30.0)
    if reading.celsius <= limit:
        return
    sensor = ctx.segment(1)
    hive.log.info(f"{reading.celsius} °C is above {limit} °C", sensor=sensor)
    hive.publish(f"alert/{sensor}", Alert(sensor, reading.celsius, limit))
