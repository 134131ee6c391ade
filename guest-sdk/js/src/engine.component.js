// What the engine lacks inside a component. `build` chooses this file, tests choose `engine.js`.
import * as wasiRandom from "wasi:random/random@0.2.0";
import { Later, soon } from "./promise.js";
import { crypto, generator } from "./random.js";

globalThis.Promise = Later;
globalThis.queueMicrotask = soon;
// The engine's own gives a promise of its own.
Array.fromAsync = async (many, map) => {
  const made = [];
  for await (const one of many[Symbol.asyncIterator] || many[Symbol.iterator] ? many : Array.from(many)) {
    made.push(map === undefined ? one : await map(one, made.length));
  }
  return made;
};

/** Whether the modules are loaded: before, which is when a component is built, nothing is random that lasts. */
let isLoaded = false;

/** The modules are loaded. */
export const listen = () => { isLoaded = true; };

function bytes(count) {
  if (!isLoaded) throw new Error("random bytes are not there while modules load; use them in a handler or in start()");
  return new Uint8Array(wasiRandom.getRandomBytes(count));
}

globalThis.crypto = crypto(bytes);
const built = Math.random;
let random;
Math.random = () => {
  if (!isLoaded) return built();
  random ??= generator(new Uint32Array(bytes(16).buffer));
  return random();
};

export { drain, finished } from "./promise.js";
