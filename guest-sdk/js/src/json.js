// Values as JSON. What JSON would make something else of without a word is refused, by its place in the value.
import { Reject } from "./errors.js";

const REFUSED = "the value cannot be written as JSON: ";

/** A value as JSON. To look at all of it takes some times as long as to write it, so that is for what looks odd then. */
export function written(value) {
  let text;
  try {
    text = stringified(value);
  } catch (error) {
    check(value, [], []);
    throw error;
  }
  if (text === undefined) throw new Reject(`a ${typeof value} cannot be written as JSON`);
  // What JSON has no words for has become one of these.
  if (text.includes("null") || text.includes("{}") || text.includes('{"0":')) check(value, [], []);
  return text;
}

/** The engine's JSON, but for errors: one with fields of its own would pass for a value that has no message. */
function stringified(value) {
  if (Object.hasOwn(Error.prototype, "toJSON")) return JSON.stringify(value);
  const refuse = () => { throw new TypeError(`${REFUSED}an Error is in it`); };
  Object.defineProperty(Error.prototype, "toJSON", { value: refuse, configurable: true });
  try {
    return JSON.stringify(value);
  } finally {
    delete Error.prototype.toJSON;
  }
}

/** Kinds of objects of which JSON would keep nothing. */
const NO_JSON = /^\[object (Map|Set|WeakMap|WeakSet|Promise|Error|RegExp|ArrayBuffer)\]$/;

/** `keys` lead to the value, through all that is in `outer`. */
function check(value, keys, outer) {
  if (typeof value !== "object" || value === null) {
    if (typeof value === "number" && !Number.isFinite(value)) throw refused(keys, String(value));
    if (typeof value === "bigint" && typeof value.toJSON !== "function") {
      throw refused(keys, "a bigint: make a text or a number of it");
    }
    return;
  }
  const what = fault(value);
  if (what !== undefined) throw refused(keys, what);
  if (typeof value.toJSON === "function") return;
  if (outer.includes(value)) throw refused(keys, "what it is in");
  outer.push(value);
  for (const key of Object.keys(value)) {
    keys.push(key);
    check(value[key], keys, outer);
    keys.pop();
  }
  outer.pop();
}

/** Why an object is nothing for JSON; undefined if it is. */
function fault(value) {
  if (ArrayBuffer.isView(value)) {
    const { name } = value.constructor;
    return name === "Uint8Array" || name === "DataView" || name === "Buffer"
      ? `bytes (${name}): publish them alone, or as base64`
      : `a ${name}: make a list of it, \`[...it]\``;
  }
  if (value instanceof Date && Number.isNaN(value.getTime())) return "a date that is none";
  if (typeof value.toJSON === "function") return undefined;
  const kind = NO_JSON.exec(Object.prototype.toString.call(value))?.[1];
  if (kind === "Promise") return "a promise: `await` it";
  return kind && `${/^[AE]/.test(kind) ? "an" : "a"} ${kind}`;
}

function refused(keys, what) {
  const place = keys.map((key) => (/^\d+$/.test(key) ? `[${key}]` : `.${key}`)).join("").replace(/^\./, "");
  return new TypeError(`${REFUSED}${place === "" ? "it" : `\`${place}\``} is ${what}`);
}
