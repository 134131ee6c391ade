// What becomes of values on the way out and in: nothing is changed without a word.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as hive from "hive-guest";
import { Host } from "hive-guest/testing";
import { toMessage } from "../src/message.js";

const circular = () => {
  const room = { name: "attic" };
  room.doors = [{ to: room }];
  return room;
};
const ANSWERS = {
  nan: () => ({ rooms: [{ celsius: NaN }] }),
  bigint: () => ({ total: { cents: 5n } }),
  circular: () => circular(),
  function: () => () => 1,
  later: async () => [NaN],
};

hive.plugin({ name: "values", publishes: ["out/*", "names/*"] });
hive.answer("answers/*", (how) => ANSWERS[how]());
hive.on("copies/*", (value, ctx) => {
  hive.publish("out/first", ctx.message, { key: "first", headers: { a: 1 } });
  hive.publish("out/second", ctx.message);
});
hive.on("forwards/*", () => { hive.forward("out/x", { attempt: 2 }); hive.forward("out/x", [["ok", true]]); });
hive.answer("each/*", () => hive.callEach([["names/none"]]));
hive.on("texts/*", () => {});
hive.answer("kind/*", (value) => (value instanceof Uint8Array ? "bytes" : typeof value));
hive.answer("asks/*", () => hive.call("names/bytes"));
hive.answer("state/*", () => hive.state.get("bytes"));
hive.answer("sum/*", (delta) => hive.state.increment("n", delta.by));
hive.answer("sum/big/*", () => hive.state.increment("n", 2n));

const WHOLE = "the value cannot be written as JSON: ";

test("what JSON makes something else of is refused by its place", () => {
  const coded = Object.assign(new Error("x"), { code: 1 });
  const stacked = Object.assign(new TypeError("x"), { code: 1 });
  for (const [value, want] of [
    [{ photo: Uint8Array.of(137, 80) }, "`photo` is bytes (Uint8Array): publish them alone, or as base64"],
    [[{ waves: new Float32Array(2) }], "`[0].waves` is a Float32Array: make a list of it, `[...it]`"],
    [{ p: new Uint8Array() }, "`p` is bytes (Uint8Array): publish them alone, or as base64"],
    [new Float64Array(1), "it is a Float64Array: make a list of it, `[...it]`"],
    [{ view: new DataView(new ArrayBuffer(1)) }, "`view` is bytes (DataView): publish them alone, or as base64"],
    [{ e: coded }, "`e` is an Error"],
    [stacked, "it is an Error"],
    [{ a: { b: [1n] } }, "`a.b[0]` is a bigint: make a text or a number of it"],
    [circular(), "`doors[0].to` is what it is in"],
  ]) assert.throws(() => toMessage(value), { name: "TypeError", message: WHOLE + want });
  const changing = { get error() { return Reflect.deleteProperty(this, "error") && coded; } };
  assert.throws(() => toMessage([changing]), { name: "TypeError", message: `${WHOLE}an Error is in it` });
  assert.equal(JSON.stringify(coded), '{"code":1}', "whoever writes JSON elsewhere has the engine's");
  const twice = { n: 1 };
  assert.equal(toMessage({ a: twice, b: [twice] }).text(), '{"a":{"n":1},"b":[{"n":1}]}', "twice is not in itself");
  assert.equal(toMessage({ "0": 1, n: { "0": 2 } }).text(), '{"0":1,"n":{"0":2}}');
  const own = { get toJSON() { return () => { throw new RangeError("mine"); }; } };
  assert.throws(() => toMessage(own), { name: "RangeError", message: "mine" });
});

test("a node's error has its message as JSON, too", () => {
  assert.deepEqual(new Host().call("each/x").answer,
    [{ code: "no-responder", message: "`names/none`: nobody answers on that channel", channel: "names/none" }]);
});

test("an answer that cannot be written names its pattern", async () => {
  for (const [how, what] of [
    ["nan", `TypeError: the answer on \`answers/*\`: ${WHOLE}\`rooms[0].celsius\` is NaN`],
    ["bigint", `TypeError: the answer on \`answers/*\`: ${WHOLE}\`total.cents\` is a bigint: make a text or a number of it`],
    ["circular", `TypeError: the answer on \`answers/*\`: ${WHOLE}\`doors[0].to\` is what it is in`],
    ["function", "the answer on `answers/*`: a function cannot be written as JSON"],
    ["later", `TypeError: the answer on \`answers/*\`: ${WHOLE}\`[0]\` is NaN`],
  ]) {
    const { failure } = await new Host().call("answers/x", how);
    assert.deepEqual(failure, { rejected: true, reason: what });
  }
});

test("publishing the message in hand leaves it as it is", () => {
  const { published } = new Host().deliver("copies/x", 5, { key: "own", headers: { own: "1" } }).ok();
  assert.deepEqual(published.map(({ key, headers, value }) => [key, headers, value]),
    [["first", [["a", "1"]], 5], ["own", [["own", "1"]], 5]]);
});

test("headers are texts wherever they are sent", () => {
  const { published } = new Host().deliver("forwards/x").ok();
  assert.deepEqual(published.map(({ headers }) => headers), [[["attempt", "2"]], [["ok", "true"]]]);
});

test("what is no UTF-8 is refused, and not changed", () => {
  const bytes = Uint8Array.of(0x22, 0xff, 0x22);
  for (const contentType of ["text/plain", "application/json"]) {
    assert.deepEqual(new Host().deliver("texts/x", new hive.Message(bytes, { contentType })).failure,
      { rejected: true, reason: "the payload does not parse: the bytes are not UTF-8" });
  }
  assert.throws(() => new hive.Message(bytes).text(), { name: "TypeError", message: "the bytes are not UTF-8" });
  assert.equal(new Host().call("kind/x", new hive.Message(bytes)).answer, "bytes");
  const answers = { "names/bytes": new hive.Message(bytes, { contentType: "text/plain" }) };
  assert.match(new Host({ answers }).call("asks/x").failure.reason,
    /`names\/bytes`: the answer is not what was expected: it does not parse: the bytes are not UTF-8: "\ufffd"/);
  assert.match(new Host({ state: { bytes } }).call("state/x").failure.reason, /`bytes` has no JSON/);
  assert.equal(new hive.Message(Uint8Array.of(0xef, 0xbb, 0xbf, 0x41)).text(), "\ufeffA");
});

test("only numbers are added", () => {
  const host = new Host();
  for (const [by, what] of [[null, "null"], ["", '""'], [true, "true"], ["5", '"5"'], [1.5, "1.5"], [[], "[]"]]) {
    const { failure } = host.call("sum/x", { by });
    assert.ok(failure.rejected && failure.reason === `RangeError: ${what} is no whole number that can be added`, failure.reason);
  }
  assert.deepEqual([host.call("sum/x", { by: 40 }).answer, host.call("sum/big/x").answer], [40, 42]);
});
