// Lines in the log show what they are given, and never throw.
import assert from "node:assert/strict";
import { test } from "node:test";

const own = globalThis.console;
delete globalThis.console;
const hive = await import("hive-guest");
const console = globalThis.console;
globalThis.console = own;
const { listen } = await import("../src/console.js");
const { Host } = await import("hive-guest/testing");

let given;
hive.on("logs/*", () => hive.log.info(...given));
hive.on("console/*", () => console.log(...given));
hive.on("throws/*", () => { throw given[0]; });
listen();

const line = (channel, ...values) => {
  given = values;
  const { logged } = new Host().deliver(channel).ok();
  assert.equal(logged.length, 1);
  return logged[0];
};
class Odd { get field() { throw new Error("no"); } }
const circular = { name: "attic" };
circular.rooms = new Map([["itself", circular]]);

const VALUES = [
  ["a text", "a text"],
  [NaN, "NaN"],
  [undefined, "undefined"],
  [null, "null"],
  [5n, "5"],
  [Symbol("s"), "Symbol(s)"],
  [{ n: 1n, x: [NaN, -Infinity], none: null }, '{"n":"1","x":["NaN","-Infinity"],"none":null}'],
  [new Map([["a", { b: 1 }]]), '[["a",{"b":1}]]'],
  [{ seen: new Set([1, 2]) }, '{"seen":[1,2]}'],
  [{ why: Object.assign(new TypeError("x"), { code: 1 }) }, '{"why":"TypeError: x"}'],
  [circular, '{"name":"attic","rooms":[["itself","(itself)"]]}'],
  [Uint8Array.of(1, 2), "Uint8Array of 2 bytes"],
  [{ at: new Date(0), never: new Date(NaN), like: /a+/g }, '{"at":"1970-01-01T00:00:00.000Z","never":"Invalid Date","like":"/a+/g"}'],
  [Promise.resolve(1), "[object Promise]"],
  [Object.create(null), "{}"],
  [new Odd(), "{}"],
  [Object.defineProperty({}, "bad", { enumerable: true, get() { throw new Error("no"); } }), "[object Object]"],
];

test("a value is shown as what it is", () => {
  for (const [value, want] of VALUES) {
    assert.equal(line("logs/x", value).message, want);
    assert.equal(line("console/x", "it is", value).message, `it is ${want}`);
    assert.deepEqual(line("logs/x", "x", { order: value }), { level: "info", message: "x", fields: { order: want } });
  }
});

test("an error is shown with its stack and its causes", () => {
  const error = new RangeError("too far", { cause: new Error("the wind") });
  for (const said of [
    line("logs/x", error).message, line("console/x", error).message, line("logs/x", "x", { error }).fields.error,
    line("logs/x", "x", error).fields.error,
  ]) assert.match(said, /^RangeError: too far\n.*log\.test\.js[^]*caused by Error: the wind\n/);
  error.cause = error;
  assert.match(line("logs/x", error).message, /^RangeError: too far\n/);
});

test("fields that are none break nothing", () => {
  for (const fields of [null, undefined, 5]) assert.deepEqual(line("logs/x", "x", fields).fields, {});
  const bad = Object.defineProperty({}, "bad", { enumerable: true, get() { throw new Error("no"); } });
  assert.deepEqual(line("logs/x", "x", bad).message, "x");
});

test("what is thrown and no error is shown, too", () => {
  given = [{ code: 7 }];
  assert.equal(new Host().deliver("throws/x").failure.reason, '{"code":7} was thrown, which is no Error');
});
