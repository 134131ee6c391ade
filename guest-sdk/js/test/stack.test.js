// From places of a bundle to those of its sources.
import assert from "node:assert/strict";
import { test } from "node:test";

import { written } from "../src/stack.js";

globalThis.__HIVE_LACKING__ = { setTimeout: "there are no timers here" };
// By itself: the one that `stack.js` has was loaded before.
const { instead } = await import("../src/lacking.js?told");

test("a place is that of the last four before it, line by line", () => {
  const lines = { files: ["src/a.js", "src/b.js"], at: [2, 0, 0, 10, 5, 0, 1, 0, 5, 8, 1, 3] };
  const places = [[1, 4], [2, 0], [4, 7], [5, 7], [5, 8], [6, 0]].map(([line, column]) => written(lines, line, column));
  assert.deepEqual(places, [undefined, "src/a.js:11", "src/a.js:13", "src/b.js:1", "src/b.js:4", "src/b.js:5"]);
});

test("where nothing is known nothing is said", () => {
  assert.equal(written({ files: [], at: [] }, 3, 1), undefined);
  // A test is no bundle: its own stacks stay.
  assert.match(new Error("here").stack, /stack\.test\.js:\d+:\d+/);
});

test("what is not there is told with what is", () => {
  assert.match(instead(new ReferenceError("setTimeout is not defined")), /^: there are no timers here$/);
  assert.equal(instead(new ReferenceError("mine is not defined")), "");
  assert.equal(instead(new ReferenceError("toString is not defined")), "");
  assert.equal(instead(new TypeError("setTimeout is not defined")), "");
});
