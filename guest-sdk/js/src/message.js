// Messages, made and read: JSON unless somebody says otherwise.
import { written } from "./json.js";
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

  /** The payload as text. Throws where it is none. */
  text() {
    return strict(this.payload);
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
    let text;
    try {
      text = this.text();
      return JSON.parse(text);
    } catch {
      return text ?? this.payload;
    }
  }
}

/** What a function gives as a message: nothing, bytes and messages as they are, everything else as JSON. */
export function toMessage(value, { key, headers, contentType } = {}) {
  const with_ = (message) => {
    if (key !== undefined) message.key = key;
    if (headers !== undefined) message.headers = texts(headers);
    if (contentType !== undefined) message.contentType = contentType;
    return message;
  };
  // A copy: who publishes the message in hand does not change it.
  if (value instanceof Message) return with_(new Message(value.payload, value));
  if (value === undefined) return with_(new Message());
  if (value instanceof Uint8Array || value instanceof ArrayBuffer) return with_(new Message(value));
  return with_(new Message(written(value), { contentType: JSON_TYPE }));
}

/** The event's or answer's message, as the node gives it. */
export function fromWire({ payload, contentType, key, headers }) {
  return new Message(payload, { contentType: contentType ?? undefined, key: key ?? undefined, headers });
}

/** The message as the node takes it: every field there. */
export function toWire({ payload, contentType, key, headers }) {
  return { payload, contentType: contentType ?? null, key: key === undefined ? null : String(key), headers: texts(headers) };
}

/** Headers as the node takes them: pairs of texts. */
export function texts(headers) {
  const pairs = Array.isArray(headers) ? headers : Object.entries(headers);
  return pairs.map(([name, value]) => [String(name), String(value)]);
}

function bytesOf(value) {
  return value instanceof Uint8Array ? value : new Uint8Array(value);
}

export const encode = (text) => new TextEncoder().encode(text);
/** The text of bytes. What is no UTF-8 becomes U+FFFD. */
export const decode = (bytes) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

/** The text of bytes that are one. */
export function strict(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new TypeError("the bytes are not UTF-8");
  }
}
