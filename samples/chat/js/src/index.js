// A chat between hosts: how far an event goes is in its channel's name. `say` and `said` have one segment, and are this
// host's alone, so that nobody speaks for it but who sits there; `chat/said` goes to every host.
//
//     hive-node dev samples/chat/js --join    on each host
//     hive-node subscribe chat/said           what is said anywhere, as it comes
//     hive-node call say '"Good morning"'     says it
//     hive-node call said                     on any host: ["attic: Good morning"], the last 100 lines
//
// Who said it is not in the message, where everybody could write anything: the mesh vouches for where an event is from.
import { answer, log, on, plugin, publish, reject } from "hive-guest";

const LINES_MAX = 100;
const TEXT_MAX = 1000;

// One instance, so that all lines are in one memory.
plugin({ instances: "single", publishes: ["chat/said"] });

const lines = [];

answer("say", (text) => {
  if (typeof text !== "string" || !text.trim()) throw reject("say some text");
  if (text.length > TEXT_MAX) throw reject(`say it in ${TEXT_MAX} characters`);
  publish("chat/said", text);
});

on("chat/said", (text, ctx) => {
  // Anybody may publish there, and not by way of our `say`.
  if (typeof text !== "string" || text.length > TEXT_MAX) throw reject("that was not said here");
  const line = `${ctx.originName}: ${text}`;
  lines.push(line);
  lines.splice(0, lines.length - LINES_MAX);
  log.info(line, { from: ctx.origin });
});

answer("said", () => lines);
