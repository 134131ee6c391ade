// The node's interfaces inside a component. `build` chooses this file, tests choose `node.js`. Those that a project does not
// use, `build` leaves out of its component.
export * as bus from "hive:node/bus@0.1.0";
export * as config from "hive:node/config@0.1.0";
export * as current from "hive:node/current@0.1.0";
export * as log from "hive:node/log@0.1.0";
export * as where from "hive:node/node@0.1.0";
export * as secrets from "hive:node/secrets@0.1.0";
export * as store from "hive:node/state@0.1.0";
export * as timers from "hive:node/timers@0.1.0";
