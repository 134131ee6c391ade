// UTF-8 of our own, beside the engine's.
import assert from "node:assert/strict";
import { test } from "node:test";

import { fromBytes, toBytes } from "../src/text.js";

test("texts come through, of every length", () => {
  for (const text of ["", "a", "é", "€", "𝄞", "a\ud800b", "Grüße 🐝".repeat(3000)]) {
    assert.deepEqual(toBytes(text), new TextEncoder().encode(text));
    assert.equal(fromBytes(new TextEncoder().encode(text)), new TextDecoder().decode(new TextEncoder().encode(text)));
  }
});

test("bytes that are no text never throw", () => {
  let seed = 7;
  for (let round = 0; round < 2000; round += 1) {
    const bytes = Uint8Array.from({ length: 8 }, () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) >> 16);
    const text = fromBytes(bytes);
    assert.equal(fromBytes(toBytes(text)), text);
  }
  assert.equal(fromBytes(Uint8Array.of(0xc0, 0x80, 0xed, 0xa0, 0x80, 0xf5, 0x41)).at(-1), "A");
});
