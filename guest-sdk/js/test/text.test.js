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
  assert.throws(() => fromBytes(Uint8Array.of(0x41, 0xff), true), { name: "TypeError", message: /byte 1 is wrong/ });
  assert.equal(fromBytes(Uint8Array.of(0xc0, 0x80, 0xed, 0xa0, 0x80, 0xf5, 0x41)).at(-1), "A");
});

test("a TextDecoder does what it is told, where the engine has none", async () => {
  const own = globalThis.TextDecoder;
  delete globalThis.TextDecoder;
  await import("../src/text.js?alone");
  const Decoder = globalThis.TextDecoder;
  globalThis.TextDecoder = own;
  const bytes = Uint8Array.of(0xef, 0xbb, 0xbf, 0x41, 0xff);
  for (const Kind of [own, Decoder]) {
    const said = (options, of = bytes) => new Kind("utf-8", options).decode(of);
    assert.equal(said(), "A\ufffd");
    assert.equal(said({ ignoreBOM: true }), "\ufeffA\ufffd");
    assert.throws(() => said({ fatal: true }), TypeError);
    assert.equal(said({ fatal: true }, bytes.subarray(0, 4).slice().buffer), "A");
    assert.deepEqual([new Kind().fatal, new Kind("UTF8", { fatal: true }).fatal], [false, true]);
    // What comes in pieces is one text, wherever it is cut.
    const pieces = (options, ...parts) => {
      const decoder = new Kind("utf-8", options);
      const texts = parts.map((part) => decoder.decode(Uint8Array.from(part), { stream: true }));
      return [...texts, decoder.decode()];
    };
    assert.deepEqual(pieces({}, [0xef], [0xbb, 0xbf, 0x41, 0xe2, 0x82], [0xac, 0xf0, 0x9f], [0x90, 0x9d]), ["", "A", "€", "🐝", ""]);
    assert.deepEqual(pieces({}, [0x41], [0xef, 0xbb, 0xbf, 0xe2]), ["A", "\ufeff", "\ufffd"]);
    assert.throws(() => pieces({ fatal: true }, [0x41, 0xe2]), TypeError);
    const again = new Kind();
    again.decode(Uint8Array.of(0x41, 0xe2), { stream: true });
    assert.deepEqual([again.decode(), again.decode(bytes)], ["\ufffd", "A\ufffd"]);
  }
});
