// A fake node for unit tests: what a handler publishes, asks and logs is written down, and calls are answered by the test.
import { HiveError, toWire as errorToWire } from "./errors.js";
import { handle, restore, save, start } from "./handle.js";
import { fromWire, toMessage, toWire } from "./message.js";
import { within } from "./node.js";
import { complete, description } from "./registry.js";
import { Store } from "./testing/store.js";

/** Thrown by `Delivered` when the handler failed and the test did not expect it. */
export class HandlerFailed extends Error {}

/** A fake node with one instance of the plugin whose modules the test has imported. */
export class Host {
  #config; #answers; #kept; #secrets; #store; #id = ""; #timers = new Map(); #sent = 0; #started = false; #current = null;
  #log = null;

  /** `config`: the plugin's configuration; `answers`: by channel, values or functions of the value asked with;
   * `kept`: kept values by channel; `state`: what the plugin has kept, by key; `secrets`: what it is granted, by name. */
  constructor({ config = {}, answers = {}, kept = {}, state = {}, secrets = {} } = {}) {
    complete();
    this.#secrets = secrets;
    this.#store = new Store(Object.entries(state).map(([key, value]) => [key, toMessage(value).payload]));
    this.#config = Object.entries(config).map(([name, value]) => [name, String(value)]);
    this.#answers = answers;
    this.#kept = new Map(Object.entries(kept).map(([channel, value]) => [channel, toMessage(value)]));
  }

  /** What the plugin says of itself. */
  get description() { return description(); }

  /** What is kept on a channel now. */
  kept(channel) { return this.#kept.get(channel)?.data(); }

  /** What the plugin's state has for a key now. */
  state(key) {
    const bytes = this.#store.get(key);
    return bytes === null ? undefined : fromWire({ payload: bytes, headers: [] }).data();
  }

  /** Lets milliseconds pass for what the plugin's state has only for so long. */
  pass(ms) { this.#store.pass(ms); }

  /** What the plugin saves for the version that takes over, as bytes. */
  save() { return within(this, save); }

  /** Hands the plugin what another version has saved, bytes or a value, before its first event. */
  restore(saved, version = "0.0.0") {
    return within(this, () => {
      this.#begin();
      return restore({ version, state: toMessage(saved).payload });
    });
  }

  /** Milliseconds after which a one-shot timer fires; undefined: it is not set. */
  timer(name) { return this.#timers.get(name)?.ms; }

  /** Delivers an event. */
  deliver(channel, value, parts) { return this.#hand(channel, toMessage(value, parts), parts, false); }

  /** Sends a request and waits for the answer. */
  call(channel, value, parts) { return this.#hand(channel, toMessage(value, parts), parts, true); }

  /** Lets one of the plugin's timers tick. */
  tick(name) {
    const at = description().timers.findIndex((timer) => timer.name === name);
    if (at < 0) throw new Error(`the plugin has no timer ${name}`);
    return this.#run({ ...bare(`$timer/${name}`), subscription: at });
  }

  /** Fires a one-shot timer that the plugin has set. */
  fire(name) {
    const timer = this.#timers.get(name);
    if (timer === undefined) throw new Error(`no timer ${name} is set`);
    this.#timers.delete(name);
    return this.deliver(`$timer/${name}`, timer.payload);
  }

  #hand(channel, message, { attempt = 1, retained = false, id } = {}, wantsReply) {
    const { subscriptions } = description();
    const fits = ({ pattern, answers }) => matches(pattern, channel) && (answers || !wantsReply);
    const subscription = subscriptions.findIndex(fits);
    if (subscription < 0) {
      throw new Error(`the plugin does not ${wantsReply ? "answer" : "subscribe"} there: ${channel}`);
    }
    return this.#run({ ...bare(channel), message: toWire(message), subscription, attempt, retained, wantsReply }, id);
  }

  #begin() {
    if (!this.#started) start();
    this.#started = true;
  }

  #run(event, id = this.#next()) {
    const log = { published: [], retained: [], cleared: [], asked: [], logged: [] };
    this.#log = log;
    this.#current = event;
    this.#id = id;
    const done = (answered, failure) => new Delivered(log, answered, failure);
    try {
      const said = within(this, () => {
        this.#begin();
        return handle(event);
      });
      if (!(said instanceof Promise)) return done(said);
      return said.then((value) => done(value), (failure) => done(null, failure));
    } catch (failure) {
      if (failure?.tag === undefined) throw failure;
      return done(null, failure);
    }
  }

  #next() { return `test-${(this.#sent += 1)}`; }

  #ask(channel, message) {
    const found = Object.entries(this.#answers).find(([pattern]) => matches(pattern, channel));
    this.#log.asked.push({ channel, value: fromWire(message).data() });
    if (found === undefined) throw new HiveError("no-responder");
    const [, answer] = found;
    return toWire(toMessage(typeof answer === "function" ? answer(fromWire(message).data()) : answer));
  }

  /** The interfaces that the handler sees. */
  get bus() {
    const send = (list, channel, message) => {
      const { key, headers } = fromWire(message);
      list.push({ channel, value: fromWire(message).data(), key, headers, id: this.#next() });
      return list.at(-1).id;
    };
    const ask = (channel, message) => {
      try {
        return this.#ask(channel, message);
      } catch (error) {
        throw errorToWire(error);
      }
    };
    const each = (channel, message) => {
      try {
        return { tag: "ok", val: this.#ask(channel, message) };
      } catch (error) {
        return { tag: "err", val: errorToWire(error) };
      }
    };
    return {
      publish: (channel, message) => send(this.#log.published, channel, message),
      publishExpiring: (channel, message) => send(this.#log.published, channel, message),
      forward: (channel, headers) => send(this.#log.published, channel, { ...this.#current.message, headers }),
      retain: (channel, message) => {
        this.#kept.set(channel, fromWire(message));
        return send(this.#log.retained, channel, message);
      },
      clear: (channel) => {
        this.#kept.delete(channel);
        this.#log.cleared.push(channel);
      },
      request: (channel, message) => ask(channel, message),
      requestEach: (calls) => calls.map(({ channel, message }) => each(channel, message)),
      gather: (channel, message) => {
        const outcome = each(channel, message);
        if (outcome.tag === "err" && outcome.val.tag === "no-responder") throw outcome.val;
        return { answers: [{ origin: "test", outcome }], missing: 0 };
      },
      keptValues: (pattern, after) => [...this.#kept.entries()]
        .filter(([channel]) => matches(pattern, channel) && (after === null || channel > after))
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([channel, message]) => ({ channel, message: toWire(message), id: "test-kept", publishedAt: 0 })),
    };
  }

  get config() {
    return {
      get: (key) => this.#config.find(([name]) => name === key)?.[1] ?? null,
      all: () => this.#config,
    };
  }

  get current() {
    return {
      id: () => this.#id, origin: () => "test", originName: () => "test", network: () => null,
      publishedAt: () => Date.now(), timeLeft: () => 5000, meshHeaders: () => [],
    };
  }

  get log() {
    return {
      enabled: () => true,
      log: (level, message, fields) => this.#log.logged.push({ level, message, fields: Object.fromEntries(fields) }),
    };
  }

  get where() {
    return {
      id: () => "test", name: () => "test", networks: () => ["hive"], plugin: () => "test", generation: () => 1,
    };
  }

  get secrets() {
    return {
      get: (name) => {
        if (Object.hasOwn(this.#secrets, name)) return String(this.#secrets[name]);
        throw { tag: "denied", val: `the node's configuration would need: plugins: {each: {test: {secrets: {${name}: {file: PATH}}}}}` };
      },
    };
  }

  get store() { return this.#store; }

  get timers() {
    return {
      after: (name, ms, payload) => { this.#timers.set(name, { ms, payload }); },
      cancel: (name) => this.#timers.delete(name),
    };
  }
}

/** What a handler did with one event. */
export class Delivered {
  #answered; #failure;

  constructor(log, answered, failure) {
    Object.assign(this, log);
    this.#answered = answered;
    this.#failure = failure;
  }

  /** The same, once it is sure that the handler did not fail. */
  ok() {
    if (this.#failure !== undefined) throw new HandlerFailed(`the handler failed: ${this.failure.reason}`);
    return this;
  }

  /** The answer to a call. */
  get answer() {
    this.ok();
    return this.#answered ? fromWire(this.#answered).data() : undefined;
  }

  /** How the handler failed: `{ rejected, reason, afterMs }`. */
  get failure() {
    if (this.#failure === undefined) throw new Error("the handler did not fail");
    const { tag, val } = this.#failure;
    return tag === "reject"
      ? { rejected: true, reason: val }
      : { rejected: false, reason: val.reason, afterMs: val.afterMs ?? undefined };
  }

  /** The values it published on one channel, in order. */
  publishedOn(channel) {
    return this.published.filter((sent) => sent.channel === channel).map((sent) => sent.value);
  }
}

function bare(channel) {
  const message = { payload: new Uint8Array(), contentType: null, key: null, headers: [] };
  return { channel, message, subscription: 0, attempt: 1, retained: false, wantsReply: false };
}

/** Whether a pattern matches: `*` is one segment, `**` any number. */
function matches(pattern, channel) {
  const walk = (want, have) => {
    if (want.length === 0) return have.length === 0;
    const [first, ...rest] = want;
    if (first === "**") return walk(rest, have) || (have.length > 0 && walk(want, have.slice(1)));
    return have.length > 0 && (first === "*" || first === have[0]) && walk(rest, have.slice(1));
  };
  return walk(pattern.split("/"), channel.split("/"));
}
