// Random numbers of a component.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";

import { crypto, generator } from "../src/random.js";

test("numbers are from 0 up to 1, spread, and another seed has others", () => {
  const many = (seed) => Array.from({ length: 4000 }, generator(seed));
  const one = many([1, 2, 3, 4]);
  assert.ok(one.every((number) => number >= 0 && number < 1));
  const tenths = new Array(10).fill(0);
  for (const number of one) tenths[Math.floor(number * 10)] += 1;
  assert.ok(tenths.every((count) => count > 300 && count < 500), tenths.join());
  assert.deepEqual(one, many([1, 2, 3, 4]));
  assert.notDeepEqual(one, many([1, 2, 3, 5]));
  assert.equal(new Set(one).size, one.length);
});

test("bytes fill whatever is given, and make ids", () => {
  const { getRandomValues, randomUUID } = crypto((count) => new Uint8Array(randomBytes(count)));
  const words = new Uint32Array(64);
  assert.equal(getRandomValues(words.subarray(1)).length, 63);
  assert.ok(words[0] === 0 && words.subarray(1).some((word) => word > 0xffff));
  assert.throws(() => getRandomValues(new Uint8Array(65537)), RangeError);
  assert.match(randomUUID(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
