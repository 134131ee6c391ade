// Channels and patterns, as far as a fake node needs them: what is one, and which belongs to which.
import { checkPattern } from "../patterns.js";

/** Whether it is a channel's name: a pattern in which nothing stands for something else. */
export function isChannel(name) {
  try {
    checkPattern(name);
    return !/[*{}]/.test(name);
  } catch {
    return false;
  }
}

/** Whether a pattern matches: `*` is one segment, `**` any number; names that begin with `$` are not for them. */
export const matches = (pattern, channel) => fits(pattern.split("/"), channel.split("/"));

function fits(pattern, channel) {
  if (pattern[0].startsWith("*") && channel[0]?.startsWith("$")) return false;
  const walk = (want, have) => {
    if (want.length === 0) return have.length === 0;
    const [first, ...rest] = want;
    if (first === "**") return walk(rest, have) || (have.length > 0 && walk(want, have.slice(1)));
    return have.length > 0 && (first === "*" || first === have[0]) && walk(rest, have.slice(1));
  };
  return walk(pattern, channel);
}

/** Whether a pattern matches whatever the other matches: the other's wildcards become segments that nobody names, `**` as
 * many of them as the pattern could tell apart. */
export function covers(pattern, other) {
  const want = pattern.split("/");
  const runs = (segment) => {
    if (segment === "**") return Array.from({ length: want.length + 2 }, (_, count) => Array(count).fill("\0"));
    return [[segment === "*" ? "\0" : segment]];
  };
  const longer = (shapes, segment) => shapes.flatMap((shape) => runs(segment).map((run) => [...shape, ...run]));
  return other.split("/").reduce(longer, [[]]).every((shape) => fits(want, shape));
}
