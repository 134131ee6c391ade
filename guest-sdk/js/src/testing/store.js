// What the fake node keeps for the plugin, and its clock, which the test moves.
import { decode, encode } from "../message.js";

const KEY_BYTES_MAX = 1 << 10;
const VALUE_BYTES_MAX = 1 << 20;
const KEYS_MAX = 256;
/** Keys of a page: few, so that a handler is tested with more pages than one. */
const PAGE = 3;
const [LEAST, MOST] = [-(2n ** 63n), 2n ** 63n - 1n];

/** The interface `hive:node/state` over a map: it throws what the node would. */
export class Store {
  #values; #now = 0;

  constructor(entries) {
    this.#values = new Map(entries.map(([key, bytes]) => [key, { bytes, ends: Infinity }]));
  }

  pass(ms) {
    this.#now += ms;
    for (const [key, { ends }] of this.#values) if (ends <= this.#now) this.#values.delete(key);
  }

  get(key) {
    check(key);
    return this.#values.get(key)?.bytes.slice() ?? null;
  }

  getEach(keys) {
    if (keys.length > KEYS_MAX) throw { tag: "too-large", val: KEYS_MAX };
    return keys.map((key) => this.get(key));
  }

  set(key, bytes, ttl) {
    check(key);
    if (bytes.length > VALUE_BYTES_MAX) throw { tag: "too-large", val: VALUE_BYTES_MAX };
    if (ttl === 0) throw { tag: "invalid", val: "a value is there for 1 ms at least" };
    this.#values.set(key, { bytes: bytes.slice(), ends: ttl === null ? Infinity : this.#now + ttl });
  }

  delete(key) {
    check(key);
    this.#values.delete(key);
  }

  keys(prefix, after) {
    const ours = [...this.#values.keys()].filter((key) => key.startsWith(prefix) && (after === null || key > after));
    return ours.sort().slice(0, PAGE);
  }

  increment(key, delta) {
    check(key);
    const { bytes, ends } = this.#values.get(key) ?? { bytes: encode("0"), ends: Infinity };
    const text = decode(bytes);
    if (!/^[+-]?[0-9]+$/.test(text)) throw { tag: "invalid", val: `\`${key}\` holds no whole number` };
    const sum = BigInt(text) + BigInt(delta);
    if (sum < LEAST || sum > MOST) throw { tag: "invalid", val: `the sum of \`${key}\` would not fit 64 bits` };
    this.#values.set(key, { bytes: encode(String(sum)), ends });
    return sum;
  }

  swap(key, expected, value, ttl) {
    const found = this.get(key);
    const same = found === null || expected === null ? found === expected : String(found) === String(expected);
    if (!same) return false;
    if (value === null) this.delete(key);
    else this.set(key, value, ttl);
    return true;
  }

  flush() {}
}

function check(key) {
  const bytes = encode(key).length;
  if (bytes === 0) throw { tag: "invalid", val: "a key has at least one byte" };
  if (bytes > KEY_BYTES_MAX) throw { tag: "too-large", val: KEY_BYTES_MAX };
}
