// The node's interfaces outside a component: those of the test's fake host, while one of its events is being handled.
let host = null;

/** Lets a fake host stand in for the node while `run` runs. */
export function within(fake, run) {
  const before = host;
  host = fake;
  const restore = () => { host = before; };
  try {
    const done = run();
    if (done instanceof Promise) return done.finally(restore);
    restore();
    return done;
  } catch (error) {
    restore();
    throw error;
  }
}

function standIn(name) {
  const get = (_, method) => {
    if (host === null) throw new Error(`there is no node here; in a test, deliver an event with hive-guest/testing`);
    const fake = host[name];
    return (...args) => fake[method](...args);
  };
  return new Proxy({}, { get });
}

export const bus = standIn("bus");
export const config = standIn("config");
export const current = standIn("current");
export const log = standIn("log");
export const where = standIn("where");
export const secrets = standIn("secrets");
export const store = standIn("store");
export const timers = standIn("timers");
