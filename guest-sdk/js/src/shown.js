// Values as a line of a log shows them. Nothing here throws, whatever it is given.

/** A text as it is, an error with its stack and its causes, everything else as what it is. */
export function shown(value) {
  try {
    if (value instanceof Error) return described(value);
    const made = plain(value, []);
    return typeof made === "object" && made !== null ? JSON.stringify(made) : String(made);
  } catch {
    return Object.prototype.toString.call(value); // It does not let itself be read.
  }
}

/** Name and message of what was thrown. */
export function summary(thrown) {
  return thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : `${shown(thrown)} was thrown, which is no Error`;
}

/** The same with stack and causes. */
export function described(thrown, before = []) {
  const head = summary(thrown);
  if (!(thrown instanceof Error)) return head;
  const stack = typeof thrown.stack === "string" ? thrown.stack.trimEnd() : "";
  // Some engines begin the stack with the message, others do not.
  const text = stack.startsWith(head) ? stack : stack ? `${head}\n${stack}` : head;
  const effects = [...before, thrown];
  if (thrown.cause === undefined || effects.includes(thrown.cause)) return text;
  return `${text}\ncaused by ${described(thrown.cause, effects)}`;
}

/** What JSON writes as what the value is; `outer` is all that it is in. */
function plain(value, outer) {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (value === null || typeof value === "boolean" || value === undefined) return value;
  if (typeof value !== "object") return String(value);
  if (outer.includes(value)) return "(itself)";
  if (value instanceof Error) return summary(value);
  const kind = Object.prototype.toString.call(value).slice(8, -1);
  if (ArrayBuffer.isView(value) || kind === "ArrayBuffer") return `${kind} of ${value.byteLength} bytes`;
  if (kind === "RegExp" || (kind === "Date" && Number.isNaN(value.getTime()))) return String(value);
  const inside = (item) => plain(item, [...outer, value]);
  if (typeof value.toJSON === "function") return inside(value.toJSON());
  if (kind === "Map" || kind === "Set" || Array.isArray(value)) return Array.from(value, inside);
  if (/^(WeakMap|WeakSet|WeakRef|Promise)$/.test(kind)) return `[object ${kind}]`;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inside(item)]));
}
