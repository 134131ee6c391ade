// The SDK with a handler of each kind, under the fake node.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as hive from "hive-guest";
import { Host } from "hive-guest/testing";
import { toMessage } from "../src/message.js";
import { checkPattern, checkTimer } from "../src/patterns.js";

hive.plugin({ name: "sample", publishes: ["out/*", "names/nick", "nobody/there"] });
hive.answer("greet/*", (name, ctx) => `Hello, ${name ?? ctx.segment(1)}!`);
hive.on("sensor/*", (reading) => hive.publish("out/reading", { double: reading.celsius * 2 }, { key: "k" }));
hive.on("raw/*", { raw: true }, (message) => hive.publish("out/raw", message.payload.length));
hive.on("later/*", async (value) => { await null; hive.publish("out/later", value); });
hive.on("fails/*", (how) => {
  if (how === "reject") throw hive.reject("never");
  if (how === "retry") throw hive.retry("not now", 1500);
  if (how === "call") hive.call("nobody/there");
  if (how === "bug") return undefined.field;
  throw new Error("trouble", { cause: new Error("the reason") });
});
hive.answer("stumbles/*", (how) => (how === "text" ? (() => { throw "a text"; })() : undefined.field));
hive.answer("ask/*", (value) => hive.call("names/nick", value));
hive.answer("each/*", () => {
  const [said, { code, channel, message }] = hive.callEach([["names/nick", "tea"], ["nobody/there"]]);
  return [said, [code, channel, message]];
});
hive.tick("report", "@every 10s", () => hive.retain("out/report", hive.config.get("limit", 7)));
hive.on("set/*", (ms) => hive.after("once", ms, { due: true }));
hive.on("many/*", (count) => { for (let at = 0; at < count; at += 1) hive.after(`many-${at}`, at); });
hive.on("$timer/*", (value) => hive.publish("out/due", value));
hive.on("room/*", () => {});
hive.answer("all/*", () => [...hive.keptValues("room/*")].map(({ channel, value }) => [channel, value]));

test("what it says of itself has every field", () => {
  const { description } = new Host();
  assert.equal(description.name, "sample");
  assert.deepEqual(description.subscriptions[0],
    { pattern: "greet/*", delivery: "broadcast", group: null, answers: true, settings: [] });
  assert.deepEqual(description.timers, [{ name: "report", schedule: "@every 10s", scope: "node", settings: [] }]);
});

test("answers and publishes JSON", () => {
  const host = new Host();
  assert.equal(host.call("greet/you", "Ada").answer, "Hello, Ada!");
  assert.equal(host.call("greet/you").answer, "Hello, you!");
  const [sent] = host.deliver("sensor/attic", { celsius: 4 }).ok().published;
  assert.deepEqual([sent.channel, sent.value, sent.key], ["out/reading", { double: 8 }, "k"]);
  assert.deepEqual(host.deliver("raw/x", new Uint8Array(3)).publishedOn("out/raw"), [3]);
});

test("async functions are waited for", async () => {
  assert.deepEqual((await new Host().deliver("later/x", 5)).publishedOn("out/later"), [5]);
});

test("what is thrown is a retry or a rejection", () => {
  const failure = (how) => new Host().deliver("fails/x", how).failure;
  assert.deepEqual(failure("reject"), { rejected: true, reason: "never" });
  assert.deepEqual(failure("retry"), { rejected: false, reason: "not now", afterMs: 1500 });
  assert.equal(failure("call").reason, "`nobody/there`: nobody answers on that channel");
  const bug = new Host().deliver("fails/x", "bug");
  assert.ok(bug.failure.rejected && bug.failure.reason.startsWith("TypeError: "));
  assert.match(bug.logged[0].message, /plugin\.test\.js/, "the stack is in the log");
  const trouble = failure("else");
  assert.ok(!trouble.rejected && trouble.reason.includes("caused by Error: the reason"), trouble.reason);
});

test("tries that end alike are told once with their stack", () => {
  const tried = [["else", 1], ["else", 2], ["bug", 3], ["else", 4], ["else", 1]]
    .map(([how, attempt]) => new Host().deliver("fails/x", how, { attempt }));
  const [first, ...others] = tried.map((done) => done.logged[0].message);
  assert.equal(others[0], "attempt 2 ends likewise: Error: trouble");
  for (const whole of [first, ...others.slice(1)]) assert.match(whole, /plugin\.test\.js/);
  assert.ok(tried[1].failure.reason.includes("caused by Error: the reason"));
});

test("who asked is told the message, and the log has the stack", () => {
  const asked = new Host().call("stumbles/x", "bug");
  assert.ok(asked.failure.rejected);
  assert.match(asked.failure.reason, /^TypeError: [^\n]+$/);
  assert.match(asked.logged[0].message, /plugin\.test\.js/);
  assert.equal(new Host().call("stumbles/x", "text").failure.reason, "a text was thrown, which is no Error");
  assert.match(new Host().deliver("stumbles/x", "bug").failure.reason, /\n.*plugin\.test\.js/);
});

test("a payload that is no JSON is rejected", () => {
  const broken = new hive.Message("{", { contentType: "application/json" });
  const { failure } = new Host().deliver("sensor/attic", broken);
  assert.ok(failure.rejected && failure.reason.startsWith("the payload does not parse"), failure.reason);
});

test("a payload is what its content type says", () => {
  const bytes = Uint8Array.of(0x41, 0xff);
  for (const [contentType, payload, want] of [
    ["application/json; charset=utf-8", "\"Ada\"", "Ada"],
    ["application/vnd.x+json", "{\"a\":1}", { a: 1 }],
    ["application/json", "", undefined],
    ["text/plain", "Ada", "Ada"],
    ["Text/Plain; charset=utf-8", "21.5", "21.5"],
    ["text/plain", "", ""],
    [undefined, "21.5", 21.5],
    [undefined, "Ada \ufffd", "Ada \ufffd"],
    [undefined, bytes, bytes],
    [undefined, "", undefined],
    ["image/png", bytes, bytes],
    ["image/png", "", undefined],
  ]) {
    assert.deepEqual(new hive.Message(payload, { contentType }).data(), want, `${contentType} ${payload}`);
  }
  assert.equal(new Host().call("greet/you", new hive.Message("Ada")).answer, "Hello, Ada!");
});

test("calls are answered by the test, kept values and timers are there", () => {
  const host = new Host({ answers: { "names/*": (name) => name.toUpperCase() }, kept: { "room/b": 2, "room/a": 1 } });
  assert.equal(host.call("ask/x", "ada").answer, "ADA");
  assert.deepEqual(host.call("all/x").answer, [["room/a", 1], ["room/b", 2]]);
  const [one, other] = host.call("each/x").answer;
  assert.deepEqual([one, other], ["TEA", ["no-responder", "nobody/there", "`nobody/there`: nobody answers on that channel"]]);
  host.tick("report").ok();
  assert.equal(host.kept("out/report"), 7);
  host.deliver("set/x", 250).ok();
  assert.equal(host.timer("once"), 250);
  assert.deepEqual(host.fire("once").publishedOn("out/due"), [{ due: true }]);
});

test("64 timers are the most, with those that are declared", () => {
  const host = new Host();
  host.deliver("many/x", 63).ok();
  host.deliver("many/x", 63).ok();
  assert.equal(host.deliver("many/x", 64).failure.reason, "too large: the limit is 64");
});

test("a second handler for a pattern is refused at once", () => {
  assert.throws(() => hive.on("greet/*", () => {}), /two handlers for greet\/\*: the second would never be called/);
});

test("a group that is durable is refused at once", () => {
  const both = { group: true, durable: true };
  assert.throws(() => hive.answer("x/y", both, () => {}), /`x\/y` is `durable`, which is for who gets every event/);
});

test("options that there are not are refused at once", () => {
  assert.throws(() => hive.on("x/y", { groop: true }, () => {}), /no option groop; there are group/);
});

test("patterns and schedules are checked as a node does", () => {
  for (const fine of ["a", "a/b", "*", "**", "a/*/b/**", "{room}/x", "$timer/tick", "**/*/**/*/**/**/**/**", "ä/$b"]) checkPattern(fine);
  for (const [pattern, want] of [
    ["", /at least one segment/], ["a//b", /no empty segments/], ["/a", /no empty segments/], ["a/b*", /whole segments/],
    ["a/x{b}", /stands for a whole segment/], ["a/{}", /names no value/], ["a b/c", /`a b` has " " in it/],
    ["a\u{a0}", /which no segment may/], ["a/**/b/**/c/**/d/**/e/**", /at most 4 `\*\*`/],
    [Array(33).fill("a").join("/"), /at most 32 segments/], ["ä".repeat(33), /longer than 64 bytes/],
    [Array(5).fill("a".repeat(60)).join("/"), /at most 255 bytes/],
  ]) assert.throws(() => hive.on(pattern, () => {}), want);
  for (const schedule of ["@every 5s", "*/5 * * * 1", "@every 1h30m", "@daily"]) checkTimer("a", schedule);
  for (const [name, schedule, want] of [
    ["a", "@every 5", /needs a duration with its unit/], ["a", "@every", /five fields of cron/], ["a", "hourly", /five fields/],
    ["a", "* * * *", /five fields/], ["a/b", "@every 5s", /no name for a timer/], ["report", "@every 5s", /two timers report/],
  ]) assert.throws(() => hive.tick(name, schedule, () => {}), want);
  assert.throws(() => hive.plugin({ publishes: ["a//b"] }), /"a\/\/b" is no pattern/);
  assert.throws(() => hive.plugin({ publishes: "a/b" }), /a list of patterns/);
});

test("what JSON has no words for is refused by its place", () => {
  const said = (value) => {
    try {
      return toMessage(value).text();
    } catch (error) {
      return `${error.name}: ${error.message}`;
    }
  };
  const whole = "TypeError: the value cannot be written as JSON: ";
  for (const [value, want] of [
    [{ rooms: [{ celsius: NaN }] }, `${whole}\`rooms[0].celsius\` is NaN`],
    [-Infinity, `${whole}it is -Infinity`],
    [{ seen: new Map([[1, 2]]) }, `${whole}\`seen\` is a Map`],
    [[new Set([1])], `${whole}\`[0]\` is a Set`],
    [{ why: new TypeError("x") }, `${whole}\`why\` is an Error`],
    [[Promise.resolve(1)], `${whole}\`[0]\` is a promise: \`await\` it`],
    [{ when: new Date(NaN) }, `${whole}\`when\` is a date that is none`],
    [{ a: null, b: {}, c: [undefined], d: "null", e: new Date(0), f: { toJSON: () => 1 } },
      '{"a":null,"b":{},"c":[null],"d":"null","e":"1970-01-01T00:00:00.000Z","f":1}'],
    [null, "null"],
  ]) assert.equal(said(value), want);
});

test("the configuration has the type of its fallback", () => {
  const wrong = (limit) => new Host({ config: { limit } }).tick("report").failure;
  for (const limit of ["many", " "]) {
    assert.deepEqual(wrong(limit),
      { rejected: true, reason: `invalid: the configuration's \`limit\` is \`${limit}\`, and a number is wanted` });
  }
});
