// The node's interfaces inside a component. `build` chooses this file, tests choose `node.js`.
import * as bus from "hive:node/bus@0.1.0";
import * as config from "hive:node/config@0.1.0";
import * as current from "hive:node/current@0.1.0";
import * as log from "hive:node/log@0.1.0";
import * as where from "hive:node/node@0.1.0";
import * as secrets from "hive:node/secrets@0.1.0";
import * as store from "hive:node/state@0.1.0";
import * as timers from "hive:node/timers@0.1.0";

export const node = { bus, config, current, log, secrets, store, timers, where };
