// Promises outside a component: those of Node.js, for which whoever tests waits.

/** What `run` gives or throws, now or as a promise. */
export const finished = (run) => run();
