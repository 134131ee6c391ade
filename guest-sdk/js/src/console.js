// `console`, where the engine has none: its lines are the plugin's in the node's log.
import * as node from "#node";
import { shown } from "./shown.js";

/** While modules are loaded, which is when a component is built, there is no node that could be told. */
let isLoaded = false;

/** The modules are loaded: from now on somebody listens. */
export const listen = () => { isLoaded = true; };

const say = (level) => (...values) => {
  if (isLoaded) node.log.log(level, values.map(shown).join(" "), []);
};

globalThis.console ??= {
  log: say("info"), info: say("info"), debug: say("debug"), trace: say("trace"), warn: say("warn"), error: say("error"),
};
