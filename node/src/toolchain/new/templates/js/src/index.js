// What this plugin does. Try `hive-node dev`, then `hive-node call {{name}}/hello '"Ada"'`.
import { answer } from "hive-guest";

answer("{{name}}/hello", (name) => `Hello, ${name ?? "world"}!`);
