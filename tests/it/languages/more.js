import { once, retry, secret, snapshot, start, tick } from "hive-guest";

console.log("nobody hears this, and nothing breaks");

let here = 0;
snapshot(async () => here, async (saved) => { here = await saved; });
answer("greet-js/count", () => [state.increment("count"), here += 1]);

answer("greet-js/keep", () => {
  state.set("kept/a", "one");
  state.set("kept/b", Uint8Array.of(0x31), { ttl: 3600_000 });
  state.delete("kept/none");
  return [
    state.get("kept/a"), state.get("kept/none") ?? null, state.getEach(["kept/none", "kept/b"])[1], [...state.keys("kept/")],
    state.swap("kept/a", "two", "x"), state.swap("kept/a", "one", "three"), state.get("kept/a"), once("it"), once("it"),
    secret("door"),
  ];
});

answer("greet-js/read", (text) => text ?? null);

on("greet-js/pay", (order, ctx) => {
  if (!ctx.once()) return;
  state.increment("paid");
  state.flush();
  if (ctx.attempt === 1) throw new Error("the printer is busy");
});
answer("greet-js/paid", () => state.get("paid"));

on("chain/js", (way) => publish("chain/python", [...way, "js"]));

function stumble(order) {
  console.error("about", order, new TypeError("to stumble"));
  return order.customer.name;
}
answer("greet-js/boom", stumble);

const seen = { begun: false, ticks: 0, events: 0 };
start(async () => { seen.begun = await true; });
tick("later", "@every 1s", async () => { seen.ticks += await 1; });
on("greet-js/event", async () => { seen.events += await 1; });
async function* twice(value) { yield value; yield await value; }
answer("greet-js/later", async (how) => {
  const all = await Promise.all([...(await Array.fromAsync(twice(how))), Promise.resolve(how)]);
  if (how === "reject") throw reject(`never ${all.length}`);
  if (how === "retry") throw retry("not now");
  if (how === "mistake") return how.field.of;
  if (how === "never") await new Promise(() => {});
  if (how === "lose") Promise.reject(new Error("nobody minds"));
  return seen;
});
answer("greet-js/random", () => [Math.random(), crypto.randomUUID().length]);
answer("greet-js/promised", () => Promise.resolve("kept"));
