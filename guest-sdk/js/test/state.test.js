// What the SDK keeps: state, what is done once, secrets, and memory that is handed over.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as hive from "hive-guest";
import { Host } from "hive-guest/testing";

const { state } = hive;
let total = 0;

hive.plugin({ name: "keeper", instances: "single" });
hive.snapshot(() => ({ total }), (saved, version) => {
  if (version === "9.9.9") throw new Error("too new");
  total = saved.total;
});
hive.answer("do/*", async (what) => { await null; return DEEDS[what](); });
hive.answer("memory/total", () => total);
hive.on("memory/add", (by) => { total += by; });
hive.on("orders/paid", (order, ctx) => {
  if (!ctx.once()) return;
  state.increment("paid");
  if (order.broken) throw hive.retry("the printer is busy");
});

const DEEDS = {
  values: () => {
    state.set("a", { b: [1, null] });
    state.set("raw", Uint8Array.of(1, 2));
    return [state.get("a"), state.get("none") ?? "none", [...state.bytes("raw")], state.getEach(["a", "none"])];
  },
  keys: () => {
    for (const key of ["k/5", "k/1", "k/4", "k/2", "k/3", "l"]) state.set(key, key);
    state.delete("k/4");
    state.delete("k/9");
    return [...state.keys("k/")];
  },
  sums: () => [state.increment("n"), state.increment("n", 41), state.increment("n", -2n), state.get("n")],
  text: () => { state.set("t", "x"); return state.increment("t"); },
  swaps: () => [
    state.swap("s", undefined, 1), state.swap("s", undefined, 2), state.swap("s", 1, 3, { ttl: 1000 }),
    state.update("u", (before = 10) => before + 1), state.update("u", (before) => before + 1), state.get("s"),
    state.update("u", () => undefined) ?? "gone",
  ],
  nothing: () => state.set("x", undefined),
  addNothing: () => state.increment("x", {}.euros),
  empty: () => state.set("", 1),
  noJson: () => { state.set("raw", Uint8Array.of(0x7b)); return state.get("raw"); },
  secret: () => hive.secret("database"),
  flush: () => { state.flush(); return hive.once("mine", { remembered: 50 }); },
};

const deed = async (host, what) => (await host.call("do/it", what)).answer;
const failure = async (host, what) => (await host.call("do/it", what)).failure;

test("values are JSON, bytes as they are", async () => {
  const host = new Host({ state: { kept: 7 } });
  assert.deepEqual(await deed(host, "values"), [{ b: [1, null] }, "none", [1, 2], [{ b: [1, null] }, null]]);
  assert.deepEqual([host.state("kept"), host.state("a"), host.state("none")], [7, { b: [1, null] }, undefined]);
});

test("keys come in order, page by page", async () => {
  assert.deepEqual(await deed(new Host(), "keys"), ["k/1", "k/2", "k/3", "k/5"]);
});

test("sums and swaps", async () => {
  const host = new Host();
  assert.deepEqual(await deed(host, "sums"), [1, 42, 40, 40]);
  assert.deepEqual(await deed(host, "swaps"), [true, false, true, 11, 12, 3, "gone"]);
  host.pass(999);
  assert.equal(host.state("s"), 3);
  host.pass(1);
  assert.equal(host.state("s"), undefined);
});

test("what the node refuses, and what is no value, is said", async () => {
  const host = new Host();
  assert.match((await failure(host, "addNothing")).reason, /undefined is no whole number/);
  assert.match((await failure(host, "text")).reason, /invalid: `t` holds no whole number/);
  assert.match((await failure(host, "empty")).reason, /a key has at least one byte/);
  assert.match((await failure(host, "nothing")).reason, /undefined is no value/);
  const noJson = await failure(host, "noJson");
  assert.ok(noJson.rejected && noJson.reason.includes("`raw` has no JSON"), noJson.reason);
});

test("an event is handled once, and again when it was not done", () => {
  const host = new Host();
  host.deliver("orders/paid", {}, { id: "e1" }).ok();
  host.deliver("orders/paid", {}, { id: "e1", attempt: 2 }).ok();
  assert.equal(host.state("paid"), 1);
  assert.equal(host.deliver("orders/paid", { broken: true }, { id: "e2" }).failure.reason, "the printer is busy");
  host.deliver("orders/paid", {}, { id: "e2", attempt: 2 }).ok();
  assert.equal(host.state("paid"), 3, "a failure keeps what it wrote, but not that it was done");
});

test("what is done once is forgotten when its time is over", async () => {
  const host = new Host();
  assert.deepEqual([await deed(host, "flush"), await deed(host, "flush")], [true, false]);
  host.pass(50);
  assert.equal(await deed(host, "flush"), true);
});

test("secrets are what the configuration grants", async () => {
  assert.equal(await deed(new Host({ secrets: { database: "s3cret" } }), "secret"), "s3cret");
  const denied = await failure(new Host(), "secret");
  assert.ok(denied.rejected && denied.reason.includes("{secrets: {database: {file: PATH}}}"), denied.reason);
});

test("memory is handed over, and a refusal says why", () => {
  const host = new Host();
  host.deliver("memory/add", 5).ok();
  const saved = host.save();
  host.deliver("memory/add", 5).ok();
  host.restore(saved, "0.1.0");
  assert.equal(host.call("memory/total").answer, 5);
  assert.throws(() => host.restore(saved, "9.9.9"), (text) => text.startsWith("Error: too new"));
  assert.throws(() => host.restore(Uint8Array.of(0x7b), "0.0.9"), (text) => text.includes("what version 0.0.9 saved"));
  assert.deepEqual(host.description.settings, [], "it has a use for its snapshot");
});

test("a snapshot is for who keeps one instance, and is two functions", () => {
  assert.throws(() => hive.snapshot(() => 1), /two functions/);
  hive.plugin({ instances: "pool" });
  assert.throws(() => new Host(), /instances: "single"/);
  hive.plugin({ instances: "single" });
});
