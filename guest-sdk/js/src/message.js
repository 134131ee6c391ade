// Messages, made and read: JSON unless somebody says otherwise.
import { Reject } from "./errors.js";
import "./text.js";

const JSON_TYPE = "application/json";

/** A message whose every part is yours. */
export class Message {
  /** `payload`: bytes, or a text. */
  constructor(payload = new Uint8Array(), { contentType, key, headers = [] } = {}) {
    this.payload = typeof payload === "string" ? encode(payload) : bytesOf(payload);
    this.contentType = contentType;
    this.key = key;
    this.headers = Array.isArray(headers) ? headers : Object.entries(headers);
  }

  /** The payload as text. */
  text() {
    return decode(this.payload);
  }

  /** The payload read as JSON; undefined if it is empty. */
  json() {
    return this.payload.length === 0 ? undefined : JSON.parse(this.text());
  }

  /** The first header of that name. */
  header(name) {
    return this.headers.find(([found]) => found === name)?.[1];
  }

  /** What a handler is given: JSON as its value, `text/…` as a text, another content type as bytes. Without one it is JSON
   * if it is JSON, else a text, else bytes. What is empty is undefined, but for a text. */
  data() {
    const type = (this.contentType ?? "").split(";")[0].trim().toLowerCase();
    if (type === JSON_TYPE || type.endsWith("+json")) return this.json();
    if (type.startsWith("text/")) return this.text();
    if (this.payload.length === 0) return undefined;
    if (type !== "") return this.payload;
    const text = this.text();
    try {
      return JSON.parse(text);
    } catch {
      return isText(text, this.payload) ? text : this.payload;
    }
  }
}

/** What a function gives as a message: nothing, bytes and messages as they are, everything else as JSON. */
export function toMessage(value, { key, headers, contentType } = {}) {
  const with_ = (message) => {
    if (key !== undefined) message.key = key;
    if (headers !== undefined) message.headers = Array.isArray(headers) ? headers : Object.entries(headers);
    if (contentType !== undefined) message.contentType = contentType;
    return message;
  };
  if (value instanceof Message) return with_(value);
  if (value === undefined) return with_(new Message());
  if (value instanceof Uint8Array || value instanceof ArrayBuffer) return with_(new Message(value));
  const text = JSON.stringify(value);
  if (text === undefined) throw new Reject(`a ${typeof value} cannot be written as JSON`);
  // What JSON has no words for has become one of these.
  if (text.includes("null") || text.includes("{}")) checkJson(value, "");
  return with_(new Message(text, { contentType: JSON_TYPE }));
}

/** Kinds of objects of which JSON would keep nothing. */
const NO_JSON = /^\[object (Map|Set|WeakMap|WeakSet|Promise|Error|RegExp|ArrayBuffer)\]$/;

/** Refuses what would be written as something else, by its place in the value. */
function checkJson(value, path) {
  const refused = (what) => new TypeError(`the value cannot be written as JSON: ${path === "" ? "it" : `\`${path}\``} is ${what}`);
  if (typeof value === "number" && !Number.isFinite(value)) throw refused(String(value));
  if (typeof value !== "object" || value === null) return;
  if (value instanceof Date && Number.isNaN(value.getTime())) throw refused("a date that is none");
  if (typeof value.toJSON === "function") return;
  const kind = NO_JSON.exec(Object.prototype.toString.call(value))?.[1];
  if (kind === "Promise") throw refused("a promise: `await` it");
  if (kind !== undefined) throw refused(`${/^[AE]/.test(kind) ? "an" : "a"} ${kind}`);
  if (Array.isArray(value)) value.forEach((item, at) => checkJson(item, `${path}[${at}]`));
  else for (const [key, item] of Object.entries(value)) checkJson(item, path === "" ? key : `${path}.${key}`);
}

/** The event's or answer's message, as the node gives it. */
export function fromWire({ payload, contentType, key, headers }) {
  return new Message(payload, { contentType: contentType ?? undefined, key: key ?? undefined, headers });
}

/** The message as the node takes it: every field there. */
export function toWire({ payload, contentType, key, headers }) {
  const texts = headers.map(([name, value]) => [String(name), String(value)]);
  return { payload, contentType: contentType ?? null, key: key === undefined ? null : String(key), headers: texts };
}

function bytesOf(value) {
  return value instanceof Uint8Array ? value : new Uint8Array(value);
}

/** Whether these bytes are that text, and not only what can be read of them. */
function isText(text, bytes) {
  if (!text.includes("\ufffd")) return true;
  const again = encode(text);
  return again.length === bytes.length && again.every((byte, at) => byte === bytes[at]);
}

export const encode = (text) => new TextEncoder().encode(text);
export const decode = (bytes) => new TextDecoder().decode(bytes);
