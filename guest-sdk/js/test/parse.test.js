// A handler's own check of its payload, by whatever library.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as hive from "hive-guest";
import { Host } from "hive-guest/testing";

/** As zod's and valibot's: an Error of its own. */
class ZodError extends Error {}
const Order = {
  parse(data) {
    if (typeof data?.euros !== "number") throw new ZodError("euros: expected a number");
    if (data.euros < 0) throw hive.retry("not yet", 50);
    return { euros: data.euros };
  },
};

hive.plugin({ publishes: ["out/*"] });
hive.on("orders/*", { parse: Order.parse }, (order) => hive.publish("out/order", order));
hive.answer("sums/*", { parse: Order.parse, group: true }, ({ euros }) => euros + 1);

test("a handler is given what parse gives", () => {
  const host = new Host();
  assert.deepEqual(host.deliver("orders/x", { euros: 5, more: 1 }).publishedOn("out/order"), [{ euros: 5 }]);
  assert.equal(host.call("sums/x", { euros: 5 }).answer, 6);
});

test("what parse refuses is a rejection, unless it says otherwise", () => {
  const reason = "the payload is not what the handler takes: euros: expected a number";
  for (const value of [{}, undefined, { euros: "5" }]) {
    assert.deepEqual(new Host().deliver("orders/x", value).failure, { rejected: true, reason });
    assert.deepEqual(new Host().call("sums/x", value).failure, { rejected: true, reason });
  }
  assert.deepEqual(new Host().deliver("orders/x", { euros: -1 }).failure,
    { rejected: false, reason: "not yet", afterMs: 50 });
  const broken = new hive.Message("{", { contentType: "application/json" });
  assert.match(new Host().deliver("orders/x", broken).failure.reason, /^the payload does not parse: /);
});

test("what a validator says is told on one line, each reason with its place", () => {
  const issues = [
    { path: ["lines", 0, "sku"], message: "Invalid input: expected string, received number" },
    { path: [{ key: "euros" }], message: "too few" },
    { message: "odd" },
    ...Array(5).fill({ path: [], message: "more" }),
  ];
  const parse = () => { throw Object.assign(new Error(JSON.stringify(issues, undefined, 2)), { issues }); };
  hive.on("checked/it", { parse }, () => {});
  assert.equal(
    new Host().deliver("checked/it", {}).failure.reason,
    "the payload is not what the handler takes: lines.0.sku: Invalid input: expected string, received number; "
      + "euros: too few; odd; more; more; and 3 more",
  );
});

test("parse is a function, and for data alone", () => {
  assert.throws(() => hive.on("a/b", { parse: Order }, () => {}), /`parse` of a\/b is no function/);
  assert.throws(() => hive.on("a/b", { raw: true, parse: Order.parse }, () => {}), /with `raw` there is nothing to parse/);
});
