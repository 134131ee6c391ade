// The promises that a component has, beside those of Node.js: both are to do the same in the same order.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Later, drain, finished, soon } from "../src/promise.js";

/** What a program writes down with one kind of promise. */
function written(kind, program) {
  const lines = [];
  program(kind, (line) => lines.push(line));
  return lines;
}

const PROGRAMS = {
  "reactions come in order, behind what runs": (P, say) => {
    const one = P.resolve(1);
    one.then(say).then(() => say("then"));
    P.resolve(2).then(say);
    new P((resolve) => { say("now"); resolve(3); resolve(4); throw new Error("too late"); }).then(say);
    say("end");
  },
  "what is thrown goes on to whoever catches it": (P, say) => {
    P.reject("no").then(say, (why) => { throw `${why}!`; }).catch((why) => `${why}?`).then(say);
    new P(() => { throw "at once"; }).catch(say);
    P.resolve(1).finally(() => say("finally")).then(say);
    P.reject(2).finally(() => 3).catch(say);
    P.resolve(1).finally(() => { throw "instead"; }).catch(say);
  },
  "whatever has `then` is waited for": (P, say) => {
    P.resolve({ then: (settle) => settle("settled") }).then(say);
    P.resolve({ then: () => { throw "refused"; } }).catch(say);
    P.resolve({ get then() { throw "not even asked"; } }).catch(say);
    P.resolve(P.resolve(P.resolve("deep"))).then(say);
    const itself = new P((resolve) => { P.resolve().then(() => resolve(itself)); });
    itself.catch((error) => say(error instanceof TypeError));
  },
  "several are one": (P, say) => {
    P.all([1, P.resolve(2), { then: (settle) => settle(3) }]).then((all) => say(all.join()));
    P.all([]).then((all) => say(all.length));
    P.all([1, P.reject("one no")]).catch(say);
    P.allSettled([1, P.reject(2)]).then((all) => say(JSON.stringify(all)));
    P.any([P.reject(1), P.resolve(2)]).then(say);
    P.any([P.reject(1), P.reject(2)]).catch((error) => say(error.errors.join()));
    P.race([new P(() => {}), P.resolve("first")]).then(say);
  },
  "there are classes of it": (P, say) => {
    class Mine extends P {}
    const mine = Mine.resolve(1).then((value) => value);
    say(mine instanceof Mine && Mine.resolve(mine) === mine);
    say(Object.prototype.toString.call(mine) + P.name);
    Mine.all([1]).then((all) => say(all[0]));
  },
};

for (const [name, program] of Object.entries(PROGRAMS)) {
  test(name, async () => {
    const wanted = [];
    program(Promise, (line) => wanted.push(line));
    await new Promise((resolve) => setImmediate(resolve));
    const found = written(Later, (kind, say) => {
      program(kind, say);
      assert.deepEqual(drain(), []);
    });
    assert.ok(wanted.length > 1);
    assert.deepEqual(found, wanted);
  });
}

test("what a function gives is waited for, and what it began is done", () => {
  const told = [];
  const end = (run) => finished(run, (error) => told.push(error));
  assert.equal(end(() => 1), 1);
  assert.equal(end(() => Later.resolve(1).then((value) => value + 1)), 2);
  assert.throws(() => end(() => { throw new Error("now"); }), /now/);
  assert.throws(() => end(() => Later.resolve().then(() => { throw new Error("later"); })), /later/);
  assert.throws(() => end(() => new Later(() => {})), /a promise that nothing settles/);
  let isDone = false;
  end(() => { Later.resolve().then(() => { isDone = true; }); });
  assert.ok(isDone);
  assert.deepEqual(told, []);
});

test("what nobody waits for is told", () => {
  const told = [];
  finished(() => {
    Later.reject("one");
    soon(() => { throw "two"; });
    Later.reject("heard in time").catch(() => {});
  }, (error) => told.push(error));
  assert.deepEqual(told, ["one", "two"]);
});
