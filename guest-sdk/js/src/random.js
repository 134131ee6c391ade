// Random numbers. The engine's own begin in every instance where they were when the component was built.

/** A generator (xoshiro128**, by Blackman and Vigna) of numbers from 0 up to 1, seeded by four of 32 bits, not all 0. */
export function generator([a, b, c, d]) {
  const rotated = (value, by) => (value << by) | (value >>> (32 - by));
  const next = () => {
    const result = Math.imul(rotated(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotated(d, 11);
    return result;
  };
  return () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
}

/** What browsers and Node.js call `crypto`, as far as random bytes go; `bytes` gives so many of the node's. */
export function crypto(bytes) {
  const getRandomValues = (array) => {
    if (array.byteLength > 65536) throw new RangeError(`${array.byteLength} bytes are too many at once: 65536`);
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(bytes(array.byteLength));
    return array;
  };
  const randomUUID = () => {
    const uuid = bytes(16);
    uuid[6] = (uuid[6] & 0x0f) | 0x40;
    uuid[8] = (uuid[8] & 0x3f) | 0x80;
    const hex = Array.from(uuid, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  };
  return { getRandomValues, randomUUID };
}
