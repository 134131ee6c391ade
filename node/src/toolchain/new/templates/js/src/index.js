// What this plugin does. Try `hive-node dev`, then `hive-node call {{name}}/hello '"Ada"'`.
import { answer, reject } from "hive-guest";

answer("{{name}}/hello", (name) => {
  if (typeof (name ?? "") !== "string") throw reject("a name is a text");
  return `Hello, ${name ?? "world"}!`;
});
