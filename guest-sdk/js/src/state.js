// What the plugin keeps on its node, and events that are handled once.
import { HiveError, asking } from "./errors.js";
import { decode, strict, toMessage } from "./message.js";
import { shown } from "./shown.js";
import * as node from "#node";

/** Milliseconds for which `once` remembers. */
const REMEMBERED = 24 * 3600 * 1000;
/** What its keys begin with. */
const ONCE_PREFIX = "$once/";
const ONE = Uint8Array.of(0x31);

/** The plugin's state: values by key, on this node, for all its instances and versions. Values are JSON, bytes as they are. */
export const state = {
  /** The value of a key, read as JSON; undefined if there is none. */
  get(key) {
    const bytes = state.bytes(key);
    return bytes === undefined ? undefined : read(key, bytes);
  },

  /** The bytes of a key; undefined if there are none. */
  bytes: (key) => asking(() => node.store.get(key)) ?? undefined,

  /** The values of several keys, at most 256, in the order asked. */
  getEach(keys) {
    const found = asking(() => node.store.getEach(keys));
    return found.map((bytes, at) => (bytes ?? undefined) === undefined ? undefined : read(keys[at], bytes));
  },

  /** Puts a value in place of any that the key has, for ever or for `ttl` milliseconds. */
  set(key, value, { ttl } = {}) {
    const bytes = written(value);
    asking(() => node.store.set(key, bytes, lasting(ttl)));
  },

  /** Removes a key; one that is not there is fine. */
  delete(key) {
    asking(() => node.store.delete(key));
  },

  /** The keys that begin with `prefix`, in order, page by page. */
  *keys(prefix = "") {
    let after = null;
    for (;;) {
      const page = asking(() => node.store.keys(prefix, after, 0));
      if (page.length === 0) return;
      yield* page;
      after = page.at(-1);
    }
  },

  /** Adds to a number and gives the sum, whoever else adds at the same time. A missing key counts as 0. What is left out is 1,
   * and what is undefined, as a field that an event does not have, is an error. */
  increment(key, ...given) {
    const delta = given.length === 0 ? 1 : given[0];
    const by = typeof delta === "bigint" ? Number(delta) : delta;
    if (!Number.isSafeInteger(by)) {
      throw new RangeError(`${typeof delta === "string" ? JSON.stringify(delta) : shown(delta)} is no whole number that can be added`);
    }
    return Number(asking(() => node.store.increment(key, by)));
  },

  /** Puts a value in place of the expected one, undefined meaning that the key is not there; the value undefined removes it.
   * False when it had another. The expected one is compared as it is written. */
  swap(key, expected, value, { ttl } = {}) {
    const [before, after] = [expected, value].map((one) => (one === undefined ? null : written(one)));
    return asking(() => node.store.swap(key, before, after, lasting(ttl)));
  },

  /** Makes a new value from the old one, again when somebody else was faster, and gives what it made. */
  update(key, change) {
    for (;;) {
      const before = state.bytes(key);
      const value = change(before === undefined ? undefined : read(key, before));
      if (state.swap(key, before, value)) return value;
    }
  },

  /** Waits until everything that this call has written so far is on disk. */
  flush() {
    asking(() => node.store.flush());
  },
};

/** What this call has promised to do once. */
let promised = [];

/** Whether this is the first time that something is done, by an id of your own. */
export function once(id, { remembered = REMEMBERED } = {}) {
  const key = ONCE_PREFIX + id;
  const isFirst = state.swap(key, undefined, ONE, { ttl: remembered });
  if (isFirst) promised.push(key);
  return isFirst;
}

/** A call begins: what the last one promised is of no interest. */
export function begin() {
  promised = [];
}

/** A call has failed, and is to be the first again. */
export function breakPromises() {
  for (const key of promised.splice(0)) {
    try {
      state.delete(key);
    } catch (error) {
      // Whoever cannot delete now could not write either; the next attempt then thinks that it is the second.
      node.log.log("warn", `\`${key}\` stays: ${error.message}`, []);
    }
  }
}

function read(key, bytes) {
  try {
    return JSON.parse(strict(bytes));
  } catch {
    throw new HiveError("unexpected-value", `\`${key}\` has no JSON: ${decode(bytes).slice(0, 60)}`);
  }
}

function written(value) {
  if (value === undefined) throw new TypeError("undefined is no value: delete the key");
  return toMessage(value).payload;
}

const lasting = (ttl) => (ttl === undefined ? null : Math.max(0, Math.round(ttl)));
