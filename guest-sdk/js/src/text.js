// UTF-8, where the engine has none: texts are bytes on every border.

/** A text's bytes. What is no text (half of a pair) becomes U+FFFD. */
export function toBytes(text) {
  const bytes = new Uint8Array(text.length * 3);
  let length = 0;
  for (let at = 0; at < text.length; at += 1) {
    let code = text.charCodeAt(at);
    if (code < 0x80) {
      bytes[length++] = code;
      continue;
    }
    if (code >= 0xd800 && code < 0xe000) {
      const next = code < 0xdc00 ? text.charCodeAt(at + 1) : 0;
      const isPair = next >= 0xdc00 && next < 0xe000;
      code = isPair ? 0x10000 + ((code - 0xd800) << 10) + (next - 0xdc00) : 0xfffd;
      if (isPair) at += 1;
    }
    if (code < 0x800) {
      bytes[length++] = 0xc0 | (code >> 6);
    } else {
      if (code < 0x10000) {
        bytes[length++] = 0xe0 | (code >> 12);
      } else {
        bytes[length++] = 0xf0 | (code >> 18);
        bytes[length++] = 0x80 | ((code >> 12) & 63);
      }
      bytes[length++] = 0x80 | ((code >> 6) & 63);
    }
    bytes[length++] = 0x80 | (code & 63);
  }
  return bytes.slice(0, length);
}

const PIECE = 4096;
const LEAST = [0, 0, 0x80, 0x800, 0x10000];

/** The text of bytes. What is no UTF-8 becomes U+FFFD, or is thrown. */
export function fromBytes(bytes, isFatal = false) {
  let text = "";
  let units = [];
  for (let at = 0; at < bytes.length;) {
    const first = bytes[at];
    let length = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
    let code = length === 1 ? first : first & (0xff >> (length + 1));
    for (let more = 1; more < length; more += 1) {
      const byte = bytes[at + more];
      if ((byte & 0xc0) !== 0x80) {
        length = 0;
        break;
      }
      code = (code << 6) | (byte & 63);
    }
    const isWrong = length === 0 || code < LEAST[length] || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff;
    if (isWrong && isFatal) throw new TypeError(`the bytes are not UTF-8: byte ${at} is wrong`);
    if (isWrong) {
      units.push(0xfffd);
      at += 1;
    } else {
      if (code >= 0x10000) units.push(0xd800 + ((code - 0x10000) >> 10), 0xdc00 + ((code - 0x10000) & 1023));
      else units.push(code);
      at += length;
    }
    if (units.length >= PIECE) {
      text += String.fromCharCode(...units);
      units = [];
    }
  }
  return text + String.fromCharCode(...units);
}

// Packages expect what browsers and Node.js have.
globalThis.TextEncoder ??= class TextEncoder {
  get encoding() { return "utf-8"; }
  encode(text = "") { return toBytes(String(text)); }
};
globalThis.TextDecoder ??= class TextDecoder {
  /** Of a stream: bytes that begin a character, and whether there was a text already, in which U+FEFF is no mark any more. */
  #rest = new Uint8Array(); #begun = false;
  constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
    if (!/^utf-?8$/i.test(label)) throw new RangeError(`a TextDecoder reads utf-8 here, not ${label}`);
    this.fatal = Boolean(fatal);
    this.ignoreBOM = Boolean(ignoreBOM);
  }
  get encoding() { return "utf-8"; }
  decode(bytes = new Uint8Array(), { stream = false } = {}) {
    const came = bytes instanceof ArrayBuffer
      ? new Uint8Array(bytes)
      : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const [whole, begun] = [joined(this.#rest, came), this.#begun];
    const end = stream ? whole.length - unfinished(whole) : whole.length;
    this.#rest = whole.slice(end);
    this.#begun = stream && (begun || end > 0);
    const text = fromBytes(whole.subarray(0, end), this.fatal);
    return !begun && !this.ignoreBOM && text.startsWith("\ufeff") ? text.slice(1) : text;
  }
};

function joined(one, other) {
  if (one.length === 0) return other;
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

/** How many bytes at the end begin a character that has more. */
function unfinished(bytes) {
  for (let count = 1; count <= 3 && count <= bytes.length; count += 1) {
    const byte = bytes[bytes.length - count];
    if (byte >= 0xc0) return count < (byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4) ? count : 0;
    if (byte < 0x80) return 0;
  }
  return 0;
}
