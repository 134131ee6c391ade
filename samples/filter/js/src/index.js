// A filter that transforms: it listens to every sensor and lets only what is too high through, as an alert.
//
//     hive-node subscribe 'alert/*'
//     hive-node publish sensor/attic/reading '{"celsius": 21}'   nothing happens
//     hive-node publish sensor/attic/reading '{"celsius": 41}'   an alert on alert/attic
//     hive-node publish sensor/attic/reading '{"celsius": -500}' a dead letter: no thermometer shows that
//
// What is too high is the plugin's configuration value `limit`; 30 if there is none.
import { config, log, on, plugin, publish, reject } from "hive-guest";

plugin({ publishes: ["alert/*"] });

on("sensor/*/reading", ({ celsius }, ctx) => {
  if (typeof celsius !== "number") throw reject("`celsius` is no number");
  if (celsius < -273.15) throw reject(`${celsius} °C is colder than anything can be`);
  const limit = config.get("limit", 30);
  if (celsius <= limit) return;
  const sensor = ctx.segment(1);
  log.info(`${celsius} °C is above ${limit} °C`, { sensor });
  publish(`alert/${sensor}`, { sensor, celsius, limit });
});
