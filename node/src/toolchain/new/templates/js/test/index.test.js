import assert from "node:assert/strict";
import { test } from "node:test";
import { Host } from "hive-guest/testing";
import "../src/index.js";

test("greets by name", () => {
  assert.equal(new Host().call("{{name}}/hello", "Ada").answer, "Hello, Ada!");
});
