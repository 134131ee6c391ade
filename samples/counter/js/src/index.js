// A counter that remembers: `single` keeps one instance a node, one call at a time, so that ordinary variables live from
// event to event. A new version takes the total over from the one before (`snapshot`); it begins at 0 again when the node
// does.
//
//     hive-node publish counter/add      one more
//     hive-node publish counter/add 5    five more
//     hive-node call counter/total       answers 6
//     hive-node subscribe counter/changed counter/report
//
// Every ten seconds it says what it has counted, whether that changed or not.
import { answer, on, plugin, publish, reject, snapshot, tick } from "hive-guest";

plugin({ instances: "single", publishes: ["counter/changed", "counter/report"] });

let total = 0;

on("counter/add", (amount = 1) => {
  if (!Number.isSafeInteger(amount)) throw reject("expected a whole number");
  if (!Number.isSafeInteger(total + amount)) throw reject("that is more than can be counted");
  total += amount;
  publish("counter/changed", total);
});

answer("counter/total", () => total);

snapshot(() => total, (saved) => { total = saved; });

tick("report", "@every 10s", () => publish("counter/report", total));
