import assert from "node:assert/strict";
import { test } from "node:test";
import { Host } from "hive-guest/testing";
import "../src/index";

test("greets by name", () => {
  const host = new Host({ config: { greeting: "Good day" } });
  assert.equal(host.call("{{name}}/hello", "Ada").answer, "Good day, Ada!");
});

test("counts visits", () => {
  assert.deepEqual(new Host().deliver("{{name}}/visit").publishedOn("{{name}}/visits"), [1]);
});
