// What the engine has outside a component, where it is Node.js: whoever tests waits for its promises.

/** What `run` gives or throws, now or as a promise. */
export const finished = (run) => run();
