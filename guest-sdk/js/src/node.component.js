// The node's interfaces inside a component. `build` chooses this file, tests choose `node.js`. Those that a project does not
// use, `build` leaves out of its component.
import * as hiveBus from "hive:node/bus@0.1.0";
import * as hiveConfig from "hive:node/config@0.1.0";
import * as hiveCurrent from "hive:node/current@0.1.0";
import * as hiveLog from "hive:node/log@0.1.0";
import * as hiveWhere from "hive:node/node@0.1.0";
import * as hiveSecrets from "hive:node/secrets@0.1.0";
import * as hiveStore from "hive:node/state@0.1.0";
import * as hiveTimers from "hive:node/timers@0.1.0";

/** What to do once the modules are loaded. */
const waiting = [];

/** An interface that refuses until then: modules are loaded when the component is built, where there is no node. */
function later(called, real) {
  const refuse = () => {
    throw new Error(`${called} not there while modules load; use it in a handler or in start()`);
  };
  const made = Object.fromEntries(Object.keys(real).map((name) => [name, refuse]));
  waiting.push(() => Object.assign(made, real));
  return made;
}

/** The modules are loaded. */
export function listen() {
  for (const connect of waiting.splice(0)) connect();
}

export const bus = /* @__PURE__ */ later("the bus is", hiveBus);
export const config = /* @__PURE__ */ later("config is", hiveConfig);
export const current = /* @__PURE__ */ later("an event is", hiveCurrent);
export const log = /* @__PURE__ */ later("the log is", hiveLog);
export const where = /* @__PURE__ */ later("the node is", hiveWhere);
export const secrets = /* @__PURE__ */ later("secrets are", hiveSecrets);
export const store = /* @__PURE__ */ later("state is", hiveStore);
export const timers = /* @__PURE__ */ later("timers are", hiveTimers);
