// The grammar of patterns and schedules, checked while modules are loaded and not only where a node loads the plugin.
import { toBytes } from "./text.js";

const BYTES_MAX = 255;
const SEGMENTS_MAX = 32;
const SEGMENT_BYTES_MAX = 64;
const DEEP_WILDCARDS_MAX = 4;
const NOWHERE = /[\p{White_Space}\p{Cc}]/u;

/** Refuses what a node would, once `{name}` segments are values of the configuration. */
export function checkPattern(pattern) {
  if (typeof pattern !== "string") throw new TypeError("a pattern is a text such as \"orders/*\"");
  const why = fault(pattern);
  if (why !== undefined) throw new TypeError(`"${pattern}" is no pattern: ${why}`);
}

/** Refuses what no timer is called, and when none ticks. */
export function checkTimer(name, schedule) {
  const odd = /[/*]/.exec(name)?.[0];
  const why = odd === undefined ? segmentFault(String(name)) : `it has a \`${odd}\``;
  if (why !== undefined) throw new TypeError(`"${name}" is no name for a timer, which is like one segment of a channel: ${why}`);
  const text = String(schedule).trim();
  if (text.startsWith("@every ")) {
    if (/[a-z]/.test(text.slice(7))) return;
    throw new TypeError(`"${schedule}" is no schedule: \`@every\` needs a duration with its unit, such as \`5s\``);
  }
  if (text.split(/\s+/).length === 5 || (text.startsWith("@") && text !== "@every")) return;
  throw new TypeError(`"${schedule}" is no schedule: it is \`@every 5s\`, or five fields of cron: minute hour day month weekday`);
}

function fault(pattern) {
  if (pattern === "") return "it has at least one segment";
  if (toBytes(pattern).length > BYTES_MAX) return `it has at most ${BYTES_MAX} bytes`;
  const segments = pattern.split("/");
  if (segments.length > SEGMENTS_MAX) return `it has at most ${SEGMENTS_MAX} segments`;
  const why = segments.map(segmentFault).find((found) => found !== undefined);
  if (why !== undefined) return why;
  // A run of wildcards counts once: `**/*/**` says what `*/**` says.
  const wild = segments.map((segment) => (segment === "**" ? "*" : segment === "*" ? "" : " ")).join("");
  if (wild.split(" ").filter((run) => run !== "").length > DEEP_WILDCARDS_MAX) return `it has at most ${DEEP_WILDCARDS_MAX} \`**\``;
  return undefined;
}

function segmentFault(segment) {
  if (segment === "") return "there are no empty segments: no `/` at its ends, no `//`";
  if (toBytes(segment).length > SEGMENT_BYTES_MAX) return `\`${segment}\` is longer than ${SEGMENT_BYTES_MAX} bytes`;
  if (segment === "*" || segment === "**") return undefined;
  const literal = /^\{(.*)\}$/su.exec(segment)?.[1] ?? segment;
  if (literal === "") return "`{}` names no value of the configuration";
  if (literal.includes("*")) return `\`${segment}\`: \`*\` and \`**\` stand for whole segments`;
  if (/[{}]/.test(literal)) return `\`${segment}\`: \`{name}\` stands for a whole segment`;
  const odd = NOWHERE.exec(literal)?.[0];
  return odd === undefined ? undefined : `\`${segment}\` has ${JSON.stringify(odd)} in it, which no segment may`;
}
