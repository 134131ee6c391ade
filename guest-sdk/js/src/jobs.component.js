// Promises inside a component; see `promise.js`. `build` chooses this file, tests choose `jobs.js`.
import { Later, soon } from "./promise.js";

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

export { drain, finished } from "./promise.js";
