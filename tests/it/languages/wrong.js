import { answer, log, on, publish } from "hive-guest";
const deeper = (depth) => deeper(depth + 1) + 1;
on("wrong/try", (how) => {
  if (how === "timer") setTimeout(() => 1, 5);
  if (how === "fetch") fetch("http://localhost/");
  if (how === "url") new URL("http://localhost/");
  if (how === "denied") publish("out/x", 1);
  if (how === "memory") for (const all = []; ;) all.push(new Uint8Array(1 << 20));
  if (how === "deep") deeper(0);
  if (how === "nan") publish("out/x", { rooms: [{ celsius: NaN }] });
});
const room = { doors: [] };
answer("wrong/ask", (how) => {
  if (how === "itself") room.doors.push(room);
  if (how === "bytes") new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.of(0xff));
  if (how === "log") log.error(new Error("shown"), { seen: new Map([["n", 1n]]) });
  if (how === "log") throw new Error("done");
  return room;
});
