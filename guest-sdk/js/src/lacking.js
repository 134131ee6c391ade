// What JavaScript has elsewhere and not here, and what to use instead.

const TIMERS = "there are no timers of JavaScript here: `tick` and `after` of hive-guest are there";
const NETWORK = "there is no network here: `call` a handler in Rust, which asks over HTTP with the grant `http`";
const NODE = "there is no Node.js here";

const INSTEAD = {
  setTimeout: TIMERS, setInterval: TIMERS, setImmediate: TIMERS,
  fetch: NETWORK, XMLHttpRequest: NETWORK, WebSocket: NETWORK,
  require: `${NODE}: \`import\` what is needed`, process: `${NODE}: \`config.get\` has the configuration`,
  Buffer: `${NODE}: \`Uint8Array\` is there`,
  window: "there is no browser here", document: "there is no browser here",
  localStorage: "there is no browser here: `state` keeps values",
};

/** What helps, behind the message of an error for a name that is not there; else nothing. */
export function instead(error) {
  const name = error instanceof ReferenceError && /^'?(\w+)'? is not defined$/.exec(error.message)?.[1];
  return name && Object.hasOwn(INSTEAD, name) ? `: ${INSTEAD[name]}` : "";
}
