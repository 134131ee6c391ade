import { once, secret, snapshot } from "hive-guest";

let here = 0;
snapshot<number>(() => here, (saved) => { here = saved; });
answer<unknown, number[]>("greet-ts/count", () => [state.increment("count"), here += 1]);

answer<unknown, unknown[]>("greet-ts/keep", () => {
  state.set("kept/a", "one");
  state.set("kept/b", Uint8Array.of(0x31), { ttl: 3600_000 });
  state.delete("kept/none");
  const [, b] = state.getEach<number>(["kept/none", "kept/b"]);
  const before: string | undefined = state.get("kept/a");
  return [
    before, state.get("kept/none") ?? null, b, [...state.keys("kept/")], state.swap("kept/a", "two", "x"),
    state.swap("kept/a", "one", "three"), state.update<string>("kept/a", (value) => value), once("it"), once("it"),
    secret("door"),
  ];
});

answer("greet-ts/read", { parse: (data): string | undefined => data as string }, (text): string | null => text ?? null);

on("greet-ts/pay", (_order: object, ctx) => {
  if (!ctx.once()) return;
  state.increment("paid", 1n);
  state.flush();
  if (ctx.attempt === 1) throw new Error("the printer is busy");
});
answer("greet-ts/paid", () => state.get("paid"));

function stumble(order: { customer: { name: string } }): string {
  return order.customer.name;
}
answer("greet-ts/boom", stumble);
