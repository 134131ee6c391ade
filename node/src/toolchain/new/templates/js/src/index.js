// What this plugin does. Try `hive-node dev`, then `hive-node call {{name}}/hello '"Ada"'`.
import { answer, config, on, plugin, publish, reject, state } from "hive-guest";

plugin({ publishes: ["{{name}}/visits"] });

// Greets whoever is named, or the world, with the word that the configuration says.
answer("{{name}}/hello", (name) => {
  if (typeof (name ?? "") !== "string") throw reject("a name is a text");
  return `${config.get("greeting", "Hello")}, ${name ?? "world"}!`;
});

// Counts in the plugin's state, which is on disk, and publishes the count.
on("{{name}}/visit", () => {
  const visits = state.increment("visits");
  publish("{{name}}/visits", visits);
});
