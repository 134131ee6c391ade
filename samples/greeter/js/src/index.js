// A greeter: the smallest handler that answers calls.
//
//     hive-node call greet/hello '"Ada"'              answers "Hello, Ada!"
//     hive-node call greet/hello '{"name": "Grace"}'  answers "Hello, Grace!"
//     hive-node call greet/hello                      answers "Hello, world!"
import { answer, reject } from "hive-guest";

answer("greet/hello", (who = "world") => {
  const name = typeof who === "object" ? who?.name : who;
  if (typeof name !== "string") throw reject("expected a name such as \"Ada\", or {\"name\": \"Ada\"}");
  return `Hello, ${name}!`;
});
