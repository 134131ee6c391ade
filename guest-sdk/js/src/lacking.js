// What JavaScript has elsewhere and not here: `build` says what to use instead, by name, as it knows it for TypeScript, too.

const INSTEAD = typeof __HIVE_LACKING__ === "object" ? __HIVE_LACKING__ : {};

/** What helps, behind the message of an error for a name that is not there; else nothing. */
export function instead(error) {
  const name = error instanceof ReferenceError && /^'?(\w+)'? is not defined$/.exec(error.message)?.[1];
  return name && Object.hasOwn(INSTEAD, name) ? `: ${INSTEAD[name]}` : "";
}
