// Write hive-node handlers in JavaScript and TypeScript. The README is the reference.
import "#engine";
import "./stack.js";
import "./console.js";
import * as node from "#node";
import { HiveError, asking, fromWire as errorFrom } from "./errors.js";
import { decode, fromWire, texts, toMessage, toWire } from "./message.js";
import { addStart, addTimer, configure, remember, subscribe } from "./registry.js";
import { shown } from "./shown.js";

export { Context } from "./context.js";
export { HiveError, Reject, Retry, reject, retry } from "./errors.js";
export { Message } from "./message.js";
export { once, state } from "./state.js";

/** Says what the plugin is and where it means to publish. */
export const plugin = (options) => configure(options);
/** Handles events: `on("orders/*", (order, ctx) => …)`. */
export const on = (pattern, options, run) => subscribe(pattern, options, run, false);
/** Handles events and answers calls with what the function returns. */
export const answer = (pattern, options, run) => subscribe(pattern, options, run, true);
/** Runs again and again: `@every 5s`, or five fields of cron in UTC. */
export const tick = (name, schedule, options, run) => addTimer(name, schedule, options, run);
/** Runs once in each new instance, before its first event. */
export const start = (run) => addStart(run);
/** Hands the memory of a `single` plugin to the version that takes over. */
export const snapshot = (save, restore, options) => remember(save, restore, options);

/** Publishes a value; gives the event's id. */
export function publish(channel, value, options = {}) {
  const message = toWire(toMessage(value, options));
  const { expires } = options;
  return asking(() => expires === undefined
    ? node.bus.publish(channel, message)
    : node.bus.publishExpiring(channel, message, Math.max(1, Math.round(expires))));
}

/** Publishes the payload of the event in hand without copying it. */
export function forward(channel, headers = []) {
  return asking(() => node.bus.forward(channel, texts(headers)));
}

/** Publishes a value and keeps it as the channel's last one, on every node. */
export function retain(channel, value, options) {
  return asking(() => node.bus.retain(channel, toWire(toMessage(value, options))));
}

/** Forgets the channel's last value. */
export function clear(channel) {
  asking(() => node.bus.clear(channel));
}

/** Asks, and gives the answer's data. */
export function call(channel, value, options = {}) {
  const message = toWire(toMessage(value, options));
  return read(asking(() => node.bus.request(channel, message, timeoutOf(options)), channel), channel);
}

/** Asks several at once: `[[channel, value], …]`. Gives values, and a HiveError in the place of what failed. */
export function callEach(calls, options = {}) {
  const asked = calls.map(([channel, value]) => ({ channel, message: toWire(toMessage(value)) }));
  const said = asking(() => node.bus.requestEach(asked, timeoutOf(options)));
  return said.map((one, at) => outcome(one, asked[at].channel));
}

/** Asks everybody who answers there. Gives `{ answers: [{ origin, value } or { origin, error }], missing }`. */
export function gather(channel, value, options = {}) {
  const message = toWire(toMessage(value, options));
  const got = asking(() => node.bus.gather(channel, message, timeoutOf(options), options.limit ?? 0), channel);
  const answers = got.answers.map(({ origin, outcome: said }) => {
    const read = outcome(said, channel);
    return read instanceof HiveError ? { origin, error: read } : { origin, value: read };
  });
  return { answers, missing: got.missing };
}

/** A channel's kept value; undefined if there is none. */
export function kept(channel) {
  for (const value of keptValues(channel)) return value.value;
  return undefined;
}

/** The kept values that match, in the order of their channels, page by page. */
export function* keptValues(pattern) {
  let after = null;
  for (;;) {
    const page = asking(() => node.bus.keptValues(pattern, after, 0));
    if (page.length === 0) return;
    for (const { channel, message, id, publishedAt } of page) {
      after = channel;
      yield { channel, value: read(message, channel), id, publishedAt: new Date(Number(publishedAt)) };
    }
  }
}

/** Sets a one-shot timer: the value comes back on `$timer/<name>`. */
export function after(name, ms, value) {
  asking(() => node.timers.after(name, Math.max(0, Math.round(ms)), toMessage(value).payload));
}

/** Cancels a one-shot timer; false when there was none that had not fired. */
export const cancel = (name) => asking(() => node.timers.cancel(name));

/** The plugin's configuration. */
export const config = {
  /** A value, in the type of `fallback` if there is one; undefined, or `fallback`, when it is not set. */
  get(key, fallback) {
    const text = node.config.get(key) ?? undefined;
    if (text === undefined) return fallback;
    const wanted = (what) => new HiveError("invalid", `the configuration's \`${key}\` is \`${text}\`, and ${what} is wanted`);
    if (typeof fallback === "number") {
      if (text.trim() === "" || Number.isNaN(Number(text))) throw wanted("a number");
      return Number(text);
    }
    if (typeof fallback === "boolean") {
      if (text !== "true" && text !== "false") throw wanted("`true` or `false`");
      return text === "true";
    }
    if (typeof fallback !== "string" && fallback != null) {
      throw new TypeError(`a fallback is a text, a number or a truth: config.get("${key}") reads it`);
    }
    return text;
  },
  /** Everything, nested keys joined by dots. */
  all: () => Object.fromEntries(node.config.all()),
};

/** A secret that the node's configuration grants the plugin. */
export const secret = (name) => asking(() => node.secrets.get(name));

const say = (level) => (message, fields) => {
  node.log.log(level, shown(message), [...fieldsOf(fields)]);
};

/** Fields as texts; an error in their place is one. */
function* fieldsOf(fields) {
  if (fields instanceof Error) yield ["error", shown(fields)];
  for (const name of Object.keys(fields ?? {})) {
    try {
      yield [name, shown(fields[name])];
    } catch (error) {
      yield [name, `(${error})`]; // It does not let itself be read.
    }
  }
}

/** Lines in the node's log, under the plugin's name. */
export const log = {
  enabled: (level) => node.log.enabled(level),
  trace: say("trace"), debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error"),
};

/** Where the plugin is. */
export const here = {
  get id() { return node.where.id(); },
  get name() { return node.where.name(); },
  get networks() { return node.where.networks(); },
  get plugin() { return node.where.plugin(); },
  get generation() { return Number(node.where.generation()); },
};

function read(message, channel) {
  const answer = fromWire(message);
  try {
    return answer.data();
  } catch (error) {
    const why = `it does not parse: ${error.message}: ${decode(answer.payload).slice(0, 60)}`;
    throw new HiveError("unexpected-answer", why, channel);
  }
}

function outcome(said, channel) {
  if (said.tag === "err") return errorFrom(said.val, channel);
  try {
    return read(said.val, channel);
  } catch (error) {
    return error;
  }
}

const timeoutOf = ({ timeout }) => (timeout === undefined ? 0 : Math.max(1, Math.round(timeout)));
