// What a node refuses, in its words.
import { description } from "../registry.js";
import { covers, isChannel, matches } from "./channel.js";

const TIMERS_MAX = 64;
const TIMER_BYTES_MAX = 64 << 10;
const CALLS_MAX = 64;

/** What the plugin may do, by what it says of itself and by its configuration. */
export class Rules {
  /** The values of the configuration, by name. */
  #config;

  constructor(config) {
    this.#config = config;
  }

  /** Where in `description` the first that takes the event is; -1 if there is none. */
  subscription(channel, wantsReply) {
    const takes = ({ pattern, answers }) => (answers || !wantsReply) && matches(this.#expanded(pattern), channel);
    return description().subscriptions.findIndex(takes);
  }

  /** What every publish and request must satisfy. */
  outgoing(channel, headers) {
    checkChannel(channel);
    if (headers.some(([name]) => name.startsWith("hive-"))) {
      throw invalid("headers that begin with `hive-` belong to the mesh");
    }
    if (!description().publishes.some((pattern) => matches(this.#expanded(pattern), channel))) {
      throw denied(`the plugin may not publish to \`${channel}\`, nor call it: its code does not declare that: `
        + `publishes ["${channel}"]`);
    }
  }

  /** What whoever reads kept values must satisfy. */
  reading(pattern) {
    if (description().subscriptions.some((held) => covers(this.#expanded(held.pattern), pattern))) return;
    throw denied(`the plugin may not read what is kept on \`${pattern}\`: its code does not listen there`);
  }

  /** What a timer must satisfy that the plugin sets beside `others`, names of timers that are set. */
  timer(name, payload, others) {
    const [channel, { timers }] = [`$timer/${name}`, description()];
    if (name.includes("/") || !isChannel(channel)) throw invalid("a timer's name is like one segment of a channel");
    if (timers.some((declared) => declared.name === name)) throw invalid(`\`${name}\` is a timer that the plugin declares`);
    if (this.subscription(channel, false) < 0) {
      throw invalid(`no subscription of the plugin matches \`${channel}\`, where it would fire`);
    }
    if (payload.length > TIMER_BYTES_MAX) throw { tag: "too-large", val: TIMER_BYTES_MAX };
    const isNew = !others.includes(name);
    if (isNew && others.length + timers.length >= TIMERS_MAX) throw { tag: "too-large", val: TIMERS_MAX };
  }

  /** Replaces `{name}` segments by values of the configuration; what is not set stays, and so matches nothing. */
  #expanded(pattern) {
    const value = (segment) => this.#config.get(/^\{(.*)\}$/s.exec(segment)?.[1]) ?? segment;
    return pattern.split("/").map(value).join("/");
  }
}

/** What is asked at once. */
export function checkCalls(calls) {
  if (calls.length > CALLS_MAX) throw { tag: "too-large", val: CALLS_MAX };
}

export function checkChannel(channel) {
  if (!isChannel(channel)) throw invalid(`\`${channel}\` is not a channel`);
}

export function noSecret(name) {
  return denied(`the plugin has no secret \`${name}\`; the configuration would have to grant it: `
    + `plugins: {each: {test: {secrets: {${name}: {file: PATH}}}}}`);
}

export const invalid = (what) => ({ tag: "invalid", val: what });
const denied = (why) => ({ tag: "denied", val: why });
