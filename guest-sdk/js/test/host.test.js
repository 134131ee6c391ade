// The fake node refuses what a node refuses, and takes what it takes.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as hive from "hive-guest";
import { Host } from "hive-guest/testing";
import { covers, matches } from "../src/testing/channel.js";

hive.plugin({ name: "shop", publishes: ["out/*", "{shop}/sent", "names/*"] });
hive.answer("{shop}/x", (what) => DEEDS[what]?.());
hive.on("deep/**", () => {});
hive.on("any/**", (value, ctx) => hive.log.info(ctx.channel));
hive.on("$timer/due", (value) => hive.log.info(value));
hive.tick("clock", "@every 1h", () => {});

const call = (channel) => hive.call(channel, 1);
const DEEDS = {
  publish: () => hive.publish("other/x", 1),
  expire: () => hive.publish("other/x", 1, { expires: 5 }),
  forward: () => hive.forward("other/x"),
  retain: () => hive.retain("other/x", 1),
  clear: () => hive.clear("other/x"),
  call: () => call("other/x"),
  gather: () => hive.gather("other/x", 1),
  callEach: () => { const [error] = hive.callEach([["other/x"]]); throw error; },
  configured: () => hive.publish("berlin/sent", 1),
  unconfigured: () => hive.publish("paris/sent", 1),
  header: () => hive.publish("out/x", 1, { headers: { "hive-depth": 1 } }),
  channel: () => hive.publish("out/a b", 1),
  pattern: () => hive.publish("out/*", 1),
  late: () => hive.after("late", 5),
  clock: () => hive.after("clock", 5),
  slash: () => hive.after("due/x", 5),
  large: () => hive.after("due", 5, new Uint8Array((64 << 10) + 1)),
  due: () => hive.after("due", 5, "it is due"),
  kept: () => hive.kept("other/x"),
  keptAll: () => [...hive.keptValues("*/*")],
  keptDeep: () => [...hive.keptValues("deep/*/b")].map(({ value }) => value),
  keptOne: () => hive.kept("deep/1/b"),
  keptOwn: () => hive.kept("$timer/due"),
  reject: () => call("names/reject"),
  retry: () => call("names/retry"),
  calls: () => hive.callEach(Array(64).fill(["names/nick"])).length,
  tooManyCalls: () => hive.callEach(Array(65).fill(["names/nick"])),
  secret: () => hive.secret("door"),
  everybody: () => hive.gather("names/nick", 1).answers.map(({ origin, value, error }) => [origin, value ?? error.code]),
  enough: () => hive.gather("names/nick", 1, { limit: 1 }).answers.length,
  nobody: () => hive.gather("names/nobody", 1),
};

const config = { shop: "berlin" };
const answers = {
  "names/reject": () => { throw hive.reject("no"); },
  "names/retry": () => { throw hive.retry("not now"); },
  "names/nick": "Ada",
};
const several = { ...answers, "names/*": () => { throw hive.reject("no"); }, "*/nick": "Bo" };
const kept = { "deep/1/b": 1, "deep/2/b": 2, "deep/3/b": 3, "deep/4/b": 4, "deep/1/c": 5 };
const host = () => new Host({ config, answers, kept });
const done = (what) => host().call("berlin/x", what);

test("everybody who answers is asked, until there are enough", () => {
  const asking = (what) => new Host({ config, answers: several }).call("berlin/x", what);
  assert.deepEqual(asking("everybody").answer, [["test-1", "Ada"], ["test-2", "rejected"], ["test-3", "Bo"]]);
  assert.equal(asking("enough").answer, 1);
  assert.match(done("nobody").failure.reason, /nobody answers on that channel/);
});

test("it refuses what a node refuses, in its words", () => {
  const publishes = (channel) => `denied: the plugin may not publish to \`${channel}\`, nor call it: its code does not declare `
    + `that: publishes ["${channel}"]`;
  const listens = (pattern) => `denied: the plugin may not read what is kept on \`${pattern}\`: its code does not listen there`;
  const name = "invalid: a timer's name is like one segment of a channel";
  for (const [what, want] of [
    ["publish", publishes("other/x")], ["expire", publishes("other/x")], ["forward", publishes("other/x")],
    ["retain", publishes("other/x")], ["clear", publishes("other/x")], ["unconfigured", publishes("paris/sent")],
    ...["call", "gather", "callEach"].map((asking) => [asking, `\`other/x\`: ${publishes("other/x")}`]),
    ["header", "invalid: headers that begin with `hive-` belong to the mesh"],
    ["channel", "invalid: `out/a b` is not a channel"], ["pattern", "invalid: `out/*` is not a channel"],
    ["late", "invalid: no subscription of the plugin matches `$timer/late`, where it would fire"],
    ["clock", "invalid: `clock` is a timer that the plugin declares"], ["slash", name],
    ["large", "too large: the limit is 65536"],
    ["kept", listens("other/x")], ["keptAll", listens("*/*")],
    ["reject", "`names/reject`: the responder rejected the request: no"],
    ["tooManyCalls", "too large: the limit is 64"],
    ["secret", "denied: the plugin has no secret `door`; the configuration would have to grant it: "
      + "plugins: {each: {test: {secrets: {door: {file: PATH}}}}}"],
  ]) {
    const { failure } = done(what);
    assert.deepEqual([failure.rejected, failure.reason], [true, want], what);
  }
  assert.deepEqual(done("retry").failure,
    { rejected: false, reason: "`names/retry`: the responder failed: not now", afterMs: undefined });
});

test("it takes what a node takes", () => {
  assert.deepEqual(done("configured").publishedOn("berlin/sent"), [1]);
  assert.deepEqual(done("keptDeep").answer, [1, 2, 3, 4]);
  assert.deepEqual([done("keptOne").answer, done("calls").answer], [1, 64]);
});

test("an event comes where the plugin listens, and nowhere else", () => {
  assert.throws(() => new Host().call("berlin/x", 1), /does not answer `berlin\/x`; its subscriptions are \{shop\}\/x, deep\/\*\*/);
  assert.throws(() => host().deliver("a b", 1), /`a b` is not a channel/);
  assert.throws(() => host().deliver("$timer/other"), /does not subscribe to `\$timer\/other`/);
  assert.equal(host().deliver("any/where").ok().logged[0].message, "any/where");
});

test("a timer fires at its subscription", () => {
  const node = host();
  node.call("berlin/x", "due").ok();
  assert.equal(node.fire("due").ok().logged[0].message, "it is due");
  assert.throws(() => node.fire("due"), /no timer due is set/);
});

test("patterns match and cover as a node's", () => {
  for (const [pattern, channel, want] of [
    ["**", "a/b", true], ["**", "$timer/x", false], ["*/x", "$timer/x", false], ["$timer/*", "$timer/x", true],
    ["a/**", "a", true], ["a/**/c", "a/b/b/c", true], ["a/*", "a/b/c", false],
  ]) assert.equal(matches(pattern, channel), want, `${pattern} ${channel}`);
  for (const [pattern, other, want] of [
    ["a/**", "a/*/b", true], ["a/*", "a/**", false], ["**", "*/*", true], ["**", "$timer/*", false], ["a/**/b", "a/b", true],
    ["a/**", "a/**", true], ["a/*/**", "a/**", false],
  ]) assert.equal(covers(pattern, other), want, `${pattern} ${other}`);
});

test("what went well has no failure, and what ticks is named", () => {
  assert.equal(done("due").failure, undefined);
  assert.equal(host().tick("clock").failure, undefined);
  assert.throws(() => host().tick("clok"), { message: "the plugin has no timer `clok`; it has clock" });
});
