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

/** A stack as the engine writes it, of places that were written. What `build` and this SDK have put in between is left out. */
function prepared(error, sites) {
  lines ??= JSON.parse(text);
  sdk ??= written(lines, ...here)?.replace(/stack\.js:\d+$/, "") ?? "";
  const help = instead(error);
  if (help) error.message += help;
  const place = (site) => {
    const [file, line, column] = [site.getFileName(), site.getLineNumber(), site.getColumnNumber()];
    if (typeof file !== "string" || !(line > 0)) return "native";
    return written(lines, line - 1, column - 1);
  };
  const placed = sites.map((site) => [site.getFunctionName() ?? "<anonymous>", place(site)]);
  const kept = placed.filter(([, at]) => at !== undefined);
  const theirs = kept.filter(([, at]) => sdk === "" || !at.startsWith(sdk));
  return (theirs.length > 0 ? theirs : kept).map(([name, at]) => `    at ${name} (${at})\n`).join("");
}

/** The innermost place of an error in the project, behind its message; nothing where there is no bundle. */
export function placed(error) {
  const place = text === undefined ? undefined : /\((.+:\d+)\)/.exec(error.stack)?.[1];
  return place === undefined ? "" : ` (${place})`;
}

// Errors are made with their stacks, so that whoever writes one to the log has it, too.
if (text !== undefined) {
  Error.prepareStackTrace = (_, [site]) => [site.getLineNumber() - 1, site.getColumnNumber() - 1];
  here = new Error().stack;
  Error.prepareStackTrace = prepared;
}
