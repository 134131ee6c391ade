import assert from "node:assert/strict";
import { test } from "node:test";
import { Host } from "hive-guest/testing";
import "../src/index.js";

test("says it to everybody, and remembers what is said", () => {
  const host = new Host();
  assert.deepEqual(host.call("say", "Good morning").publishedOn("chat/said"), ["Good morning"]);
  host.deliver("chat/said", "Good morning");
  assert.match(host.call("said").answer.at(-1), /: Good morning$/);
});

test("refuses what nobody can hear, and what was not said here", () => {
  const host = new Host();
  for (const nothing of ["", " ", 7, "x".repeat(1001)]) assert.ok(host.call("say", nothing).failure);
  assert.ok(host.deliver("chat/said", { text: "Good morning" }).failure);
});

test("forgets what was said a hundred lines ago", () => {
  const host = new Host();
  for (let line = 0; line < 150; line += 1) host.deliver("chat/said", `line ${line}`);
  const lines = host.call("said").answer;
  assert.equal(lines.length, 100);
  assert.match(lines[0], /: line 50$/);
});
