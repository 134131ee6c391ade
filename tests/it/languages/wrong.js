import { on, publish } from "hive-guest";
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
