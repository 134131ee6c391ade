// How a handler says that an event was not handled, and what is made of everything else that is thrown.
import { described, summary } from "./shown.js";
import { placed } from "./stack.js";

/** Hopeless: the event goes to the plugin's dead letters, a caller gets `rejected`. */
export class Reject extends Error {
  constructor(reason, options) {
    super(String(reason), options);
    this.name = "Reject";
  }
}

/** Passing trouble: the node delivers the event again, a caller gets `failed` at once. */
export class Retry extends Error {
  /** `afterMs`: when; the node's own back-off if none. */
  constructor(reason, afterMs, options) {
    super(String(reason), options);
    this.name = "Retry";
    this.afterMs = afterMs;
  }
}

/** `throw reject("no such order")` */
export const reject = (reason, options) => new Reject(reason, options);
/** `throw retry("the printer is busy", 5000)` */
export const retry = (reason, afterMs, options) => new Retry(reason, afterMs, options);

const TEXTS = {
  "denied": (why) => `denied: ${why}`,
  "invalid": (what) => `invalid: ${what}`,
  "too-large": (limit) => `too large: the limit is ${limit}`,
  "overloaded": (ms) => `overloaded; try again in ${ms} ms`,
  "no-responder": () => "nobody answers on that channel",
  "timeout": () => "no answer in time",
  "deadlock": () => "deadlock: the request would wait for itself",
  "failed": (reason) => `the responder failed: ${reason}`,
  "rejected": (reason) => `the responder rejected the request: ${reason}`,
  "unavailable": (what) => `unavailable: ${what}`,
  "unexpected-answer": (why) => `the answer is not what was expected: ${why}`,
  "unexpected-value": (why) => `the state's value is not what was expected: ${why}`,
};

/** Codes of errors that the same attempt would meet again. */
const PERMANENT = new Set(["denied", "invalid", "too-large", "rejected", "unexpected-answer", "unexpected-value"]);

/** What the node refuses, and what went wrong with a call. */
export class HiveError extends Error {
  /** `channel`: the one that was called, if it was a call. */
  constructor(code, value, channel) {
    const text = TEXTS[code] ? TEXTS[code](value) : `${value} (${code})`;
    super(channel === undefined ? text : `\`${channel}\`: ${text}`);
    this.name = "HiveError";
    this.code = code;
    this.value = value;
    this.channel = channel;
  }

  /** Whether the same attempt would fail again. */
  get permanent() {
    return PERMANENT.has(this.code);
  }

  /** As JSON, in an answer or in the log. */
  toJSON() {
    return { code: this.code, message: this.message, channel: this.channel };
  }
}

/** The node's error as it comes over the component's border; of a call with its channel. */
export function fromWire(wire, channel) {
  if (wire.tag === "other") return new HiveError(wire.val[0], wire.val[1], channel);
  return new HiveError(wire.tag, wire.val, channel);
}

/** The same as the node has it: what a fake host throws. */
export function toWire(error) {
  if (error instanceof Reject) return { tag: "rejected", val: error.message };
  if (!(error instanceof HiveError)) return { tag: "failed", val: String(error?.message ?? error) };
  if (!(error.code in TEXTS) || error.code.startsWith("unexpected-")) {
    return { tag: "other", val: [error.code, String(error.value)] };
  }
  return { tag: error.code, val: error.value };
}

/** Calls the node; its errors are thrown as `HiveError`, those of a call with its channel. */
export function asking(ask, channel) {
  try {
    return ask();
  } catch (thrown) {
    const wire = thrown?.payload ?? thrown;
    if (wire && typeof wire === "object" && typeof wire.tag === "string") throw fromWire(wire, channel);
    throw thrown;
  }
}

/** Errors that say that the program or the data is wrong: the same event would fail in the same way. */
const HOPELESS = [TypeError, ReferenceError, RangeError, SyntaxError, URIError];

/** Characters of a reason at most; the log has all of it. */
const REASON_MAX = 2000;

/** What the node is told of something that was thrown, and whether somebody has to be told of a mistake. Whoever asked need not
 * see the inside; the log has it. */
export function failureOf(thrown, wantsReply) {
  if (thrown instanceof Reject) return { failure: { tag: "reject", val: thrown.message }, expected: true };
  if (thrown instanceof Retry) return { failure: delay(thrown.message, thrown.afterMs), expected: true };
  if (thrown instanceof HiveError) {
    const where = placed(thrown);
    const reason = wantsReply ? thrown.message : thrown.message + where;
    const failure = thrown.permanent
      ? { tag: "reject", val: reason }
      : delay(reason, thrown.code === "overloaded" ? thrown.value : undefined);
    return { failure, expected: where === "" || !wantsReply };
  }
  const reason = (wantsReply ? summary(thrown) : described(thrown)).slice(0, REASON_MAX);
  const hopeless = HOPELESS.some((kind) => thrown instanceof kind);
  return { failure: hopeless ? { tag: "reject", val: reason } : delay(reason), expected: false };
}

function delay(reason, afterMs) {
  const ms = Number.isFinite(afterMs) ? Math.max(0, Math.round(afterMs)) : null;
  return { tag: "retry", val: { reason, afterMs: ms } };
}
