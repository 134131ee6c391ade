// What the plugin says of itself: collected while its modules are loaded, which happens when it is built.

import { checkPattern, checkTimer } from "./patterns.js";
import { site } from "./stack.js";

const plugin = { name: "", version: "", instances: "pool", publishes: [] };
const subscriptions = [];
const timers = [];
const starts = [];
let kept;

/** What `build` knows of the project. */
const project = {
  name: typeof __HIVE_NAME__ === "string" ? __HIVE_NAME__ : "",
  version: typeof __HIVE_VERSION__ === "string" ? __HIVE_VERSION__ : "",
};

const MODES = ["pool", "fresh", "single"];

export function configure(options) {
  known("plugin", options, ["name", "version", "instances", "publishes"]);
  if (options.instances !== undefined && !MODES.includes(options.instances)) {
    throw new TypeError(`instances is ${MODES.join(", ")}, not ${options.instances}`);
  }
  if (options.publishes !== undefined) {
    if (!Array.isArray(options.publishes)) throw new TypeError("publishes is a list of patterns");
    options.publishes.forEach(checkPattern);
  }
  Object.assign(plugin, options);
}

export function subscribe(pattern, options, run, answers) {
  const [settings, handler] = typeof options === "function" ? [{}, options] : [options ?? {}, run];
  checkPattern(pattern);
  if (typeof handler !== "function") throw new TypeError(`there is no function for ${pattern}`);
  known(pattern, settings, ["group", "durable", "raw", "parse"]);
  if (settings.parse !== undefined) {
    if (typeof settings.parse !== "function") throw new TypeError(`\`parse\` of ${pattern} is no function`);
    if (settings.raw) throw new TypeError(`${pattern}: with \`raw\` there is nothing to parse`);
  }
  if (settings.durable && settings.group) {
    throw new TypeError(
      `\`${pattern}\` is \`durable\`, which is for who gets every event: a group goes on where it left off anyway`,
    );
  }
  if (subscriptions.some((other) => other.pattern === pattern)) {
    throw new TypeError(`there are two handlers for ${pattern}: the second would never be called`);
  }
  subscriptions.push({ pattern, answers, run: handler, site: site(), ...settings });
  return handler;
}

export function addTimer(name, schedule, options, run) {
  const [settings, handler] = typeof options === "function" ? [{}, options] : [options ?? {}, run];
  if (typeof handler !== "function") throw new TypeError(`there is no function for the timer ${name}`);
  checkTimer(name, schedule);
  known(`the timer ${name}`, settings, ["mesh"]);
  if (timers.some((other) => other.name === name)) {
    throw new TypeError(`there are two timers ${name}: the second would never be called`);
  }
  timers.push({ name, schedule, run: handler, ...settings });
  return handler;
}

export function addStart(run) {
  starts.push(run);
  return run;
}

export function remember(save, restore, settings = {}) {
  if (typeof save !== "function" || typeof restore !== "function") {
    throw new TypeError("a snapshot is two functions: one that saves, and one that restores");
  }
  known("a snapshot", settings, ["raw"]);
  kept = { save, restore, ...settings };
}

/** The functions that hand memory over; undefined if there are none. */
export const memory = () => kept;

/** Says what is wrong with a plugin as a whole. */
export function complete() {
  if (kept && plugin.instances !== "single") {
    throw new TypeError("only a plugin that keeps one instance has a snapshot: plugin({ instances: \"single\" })");
  }
}

export function description() {
  return {
    name: plugin.name || project.name,
    version: plugin.version || project.version,
    instances: plugin.instances,
    subscriptions: subscriptions.map(({ pattern, answers, group, durable }) => ({
      pattern,
      delivery: group ? "group" : "broadcast",
      group: typeof group === "string" ? group : null,
      answers,
      settings: durable ? [["durable", "true"]] : [],
    })),
    timers: timers.map(({ name, schedule, mesh }) => ({
      name,
      schedule,
      scope: mesh ? "mesh" : "node",
      settings: [],
    })),
    publishes: plugin.publishes,
    // The component exports the functions either way.
    settings: kept ? [] : [["snapshot", "false"]],
  };
}

/** The function that an event is for. */
export function chosen(event) {
  const tick = timers.find(({ name }) => event.channel === `$timer/${name}`);
  return tick ?? subscriptions[event.subscription];
}

export const startAll = () => starts.map((run) => run());

function known(what, options, names) {
  const odd = Object.keys(options).find((name) => !names.includes(name));
  if (odd !== undefined) throw new TypeError(`${what} has no option ${odd}; there are ${names.join(", ")}`);
}
