// Stacks that name the files and lines that people wrote, not those of the bundle that `build` makes of them.
import { instead } from "./lacking.js";

/** What `build` puts at the beginning of the bundle, as a text that costs nothing before the first error: `files`, and in
 * `at` fours of numbers: from this line and column of the bundle, counted from 0, it is this file's line, and so on, line by
 * line, up to the next four. */
const text = typeof __HIVE_LINES__ === "string" ? __HIVE_LINES__ : undefined;
let lines;
/** The line and the column of this file in the bundle, and the folder that it is written in. */
let here;
let sdk;

/** Where a place of the bundle was written. */
export function written({ files, at }, line, column) {
  let [low, high] = [0, at.length / 4];
  while (low < high) {
    const middle = (low + high) >> 1;
    const [first, from] = [at[middle * 4], at[middle * 4 + 1]];
    if (first < line || (first === line && from <= column)) low = middle + 1;
    else high = middle;
  }
  if (low === 0) return undefined;
  const [first, , file, number] = at.slice(low * 4 - 4, low * 4);
  return `${files[file]}:${number + line - first + 1}`;
}

/** Line and column of a call in the bundle, counted from 0; negative where it is in the engine. */
function position(site) {
  const [file, line, column] = [site.getFileName(), site.getLineNumber(), site.getColumnNumber()];
  return typeof file === "string" && line > 0 ? [line - 1, column - 1] : [-1, -1];
}

/** Where calls of the bundle were written; undefined for what `build` has put in between. */
function places(positions) {
  lines ??= JSON.parse(text);
  sdk ??= written(lines, ...here)?.replace(/stack\.js:\d+$/, "") ?? "";
  return positions.map(([line, column]) => (line < 0 ? "native" : written(lines, line, column)));
}

const isTheirs = (place) => place !== undefined && (sdk === "" || !place.startsWith(sdk));

/** A stack as the engine writes it, of places that were written, without this SDK's where there are others. */
function prepared(error, sites) {
  const help = instead(error);
  if (help) error.message += help;
  const found = places(sites.map(position));
  const isKept = found.some(isTheirs) ? isTheirs : (place) => place !== undefined;
  const line = (site, at) => `    at ${site.getFunctionName() ?? "<anonymous>"} (${found[at]})\n`;
  return sites.map(line).filter((_, at) => isKept(found[at])).join("");
}

/** The innermost place of an error in the project, behind its message; nothing where there is no bundle. */
export function placed(error) {
  const place = text === undefined ? undefined : /\((.+:\d+)\)/.exec(error.stack)?.[1];
  return place === undefined ? "" : ` (${place})`;
}

/** Who called, for `attribute`; of the bundle's lines nothing is read before. */
export function site() {
  if (text === undefined) return undefined;
  Error.prepareStackTrace = (_, sites) => sites.map(position);
  const positions = new Error().stack;
  Error.prepareStackTrace = prepared;
  return positions;
}

/** Puts what an error is about before its message, with the place in the project that called, if there is a bundle. A stack
 * that knows this SDK alone has nothing to add. */
export function attribute(error, what, positions) {
  const place = positions && places(positions).find((found) => isTheirs(found) && found !== "native");
  error.message = `${what}${place === undefined ? "" : ` (${place})`}: ${error.message}`;
  if (place !== undefined && sdk !== "" && error.stack.includes(`(${sdk}`)) error.stack = "";
}

// Errors are made with their stacks, so that whoever writes one to the log has it, too.
if (text !== undefined) [here] = site();
