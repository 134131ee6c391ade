// A fake node for unit tests: what a handler publishes, asks and logs is written down, and calls are answered by the test.
import { handle, restore, save, start } from "./handle.js";
import { fromWire, toMessage, toWire } from "./message.js";
import { within } from "./node.js";
import { complete, description } from "./registry.js";
import { Bus } from "./testing/bus.js";
import { isChannel } from "./testing/channel.js";
import { Rules, noSecret } from "./testing/rules.js";
import { Store } from "./testing/store.js";

/** Thrown by `Delivered` when the handler failed and the test did not expect it. */
export class HandlerFailed extends Error {}

/** A fake node with one instance of the plugin whose modules the test has imported. */
export class Host {
  #config; #rules; #bus; #kept; #secrets; #store; #id = ""; #timers = new Map(); #started = false;

  /** `config`: the plugin's configuration; `answers`: by channel, values or functions of the value asked with;
   * `kept`: kept values by channel; `state`: what the plugin has kept, by key; `secrets`: what it is granted, by name. */
  constructor({ config = {}, answers = {}, kept = {}, state = {}, secrets = {} } = {}) {
    complete();
    this.#secrets = secrets;
    this.#store = new Store(Object.entries(state).map(([key, value]) => [key, toMessage(value).payload]));
    this.#config = new Map(Object.entries(config).map(([name, value]) => [name, String(value)]));
    this.#kept = new Map(Object.entries(kept).map(([channel, value]) => [channel, toMessage(value)]));
    this.#rules = new Rules(this.#config);
    this.#bus = new Bus(this.#rules, answers, this.#kept);
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
    const there = description().timers.map((timer) => timer.name);
    if (!there.includes(name)) throw new Error(`the plugin has no timer \`${name}\`; it has ${there.join(", ") || "none"}`);
    return this.#run({ ...bare(`$timer/${name}`), subscription: there.indexOf(name) });
  }

  /** Fires a one-shot timer that the plugin has set. */
  fire(name) {
    const timer = this.#timers.get(name);
    if (timer === undefined) throw new Error(`no timer ${name} is set`);
    this.#timers.delete(name);
    return this.deliver(`$timer/${name}`, timer.payload);
  }

  #hand(channel, message, { attempt = 1, retained = false, id } = {}, wantsReply) {
    if (!isChannel(channel)) throw new Error(`\`${channel}\` is not a channel`);
    const subscription = this.#rules.subscription(channel, wantsReply);
    if (subscription < 0) {
      const patterns = description().subscriptions.map(({ pattern }) => pattern).join(", ");
      const verb = wantsReply ? "answer" : "subscribe to";
      throw new Error(`the plugin does not ${verb} \`${channel}\`; its subscriptions are ${patterns || "none"}`);
    }
    return this.#run({ ...bare(channel), message: toWire(message), subscription, attempt, retained, wantsReply }, id);
  }

  #begin() {
    if (!this.#started) start();
    this.#started = true;
  }

  #run(event, id = this.#bus.next()) {
    const log = this.#bus.begin(event);
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

  /** The interfaces that the handler sees. */
  get bus() { return this.#bus; }

  get config() {
    return {
      get: (key) => this.#config.get(key) ?? null,
      all: () => [...this.#config],
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
      log: (level, message, fields) => this.#bus.done.logged.push({ level, message, fields: Object.fromEntries(fields) }),
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
        throw noSecret(name);
      },
    };
  }

  get store() { return this.#store; }

  get timers() {
    return {
      after: (name, ms, payload) => {
        this.#rules.timer(name, payload, [...this.#timers.keys()]);
        this.#timers.set(name, { ms, payload });
      },
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

  /** How the handler failed: `{ rejected, reason, afterMs }`; undefined: it did not. */
  get failure() {
    if (this.#failure === undefined) return undefined;
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
