// Promises with a queue of their own. The engine has a queue, but nobody runs it while a handler is called: so `build` makes
// generators of `async` functions, which take what `Promise` is here, and `finished` runs this one to its end.

/** What is to be done next, in order. */
let jobs = [];
/** What was rejected and nobody has asked for, and why. */
const unheard = new Map();

const [PENDING, FULFILLED, REJECTED] = [0, 1, 2];

/** What the language calls `Promise`. */
export class Later {
  #state = PENDING;
  #value;
  /** Jobs for when it is settled. */
  #waiting = [];

  constructor(run) {
    if (typeof run !== "function") throw new TypeError("a promise is made of a function");
    const [resolve, reject] = this.#settlers();
    try {
      run(resolve, reject);
    } catch (error) {
      reject(error);
    }
  }

  /** Two functions of which the first that is called counts. */
  #settlers() {
    let isDone = false;
    const first = (settle) => (value) => {
      if (isDone) return;
      isDone = true;
      settle(value);
    };
    return [first((value) => this.#resolve(value)), first((error) => this.#settle(REJECTED, error))];
  }

  #resolve(value) {
    if (value === this) return this.#settle(REJECTED, new TypeError("a promise cannot wait for itself"));
    if ((typeof value !== "object" || value === null) && typeof value !== "function") return this.#settle(FULFILLED, value);
    let then;
    try {
      then = value.then;
    } catch (error) {
      return this.#settle(REJECTED, error);
    }
    if (typeof then !== "function") return this.#settle(FULFILLED, value);
    jobs.push(() => {
      const [resolve, reject] = this.#settlers();
      try {
        then.call(value, resolve, reject);
      } catch (error) {
        reject(error);
      }
    });
  }

  #settle(state, value) {
    [this.#state, this.#value] = [state, value];
    if (state === REJECTED && this.#waiting.length === 0) unheard.set(this, value);
    for (const react of this.#waiting.splice(0)) jobs.push(react);
  }

  then(fulfilled, rejected) {
    const { promise, resolve, reject } = Later.withResolvers.call(this.constructor?.[Symbol.species] ?? Later);
    const react = () => {
      const isFulfilled = this.#state === FULFILLED;
      const run = isFulfilled ? fulfilled : rejected;
      if (typeof run !== "function") return isFulfilled ? resolve(this.#value) : reject(this.#value);
      try {
        resolve(run(this.#value));
      } catch (error) {
        reject(error);
      }
    };
    unheard.delete(this);
    (this.#state === PENDING ? this.#waiting : jobs).push(react);
    return promise;
  }

  catch(rejected) { return this.then(undefined, rejected); }

  finally(run) {
    if (typeof run !== "function") return this.then(run, run);
    const after = (rest) => Later.resolve(run()).then(rest);
    return this.then((value) => after(() => value), (error) => after(() => { throw error; }));
  }

  static get [Symbol.species]() { return this; }

  static withResolvers() {
    let settlers;
    const promise = new this((resolve, reject) => { settlers = { resolve, reject }; });
    return { promise, ...settlers };
  }

  static resolve(value) {
    if (value instanceof Later && value.constructor === this) return value;
    return new this((resolve) => resolve(value));
  }

  static reject(error) { return new this((_, reject) => reject(error)); }
  static try(run, ...args) { return new this((resolve) => resolve(run(...args))); }

  static race(many) {
    return new this((resolve, reject) => {
      for (const one of many) this.resolve(one).then(resolve, reject);
    });
  }

  static all(many) { return gathered(this, many, (note) => [note], (resolve, _, values) => resolve(values)); }

  static allSettled(many) {
    const noted = (note) => [
      (value) => note({ status: "fulfilled", value }),
      (reason) => note({ status: "rejected", reason }),
    ];
    return gathered(this, many, noted, (resolve, _, values) => resolve(values));
  }

  static any(many) {
    const failed = (_, reject, errors) => reject(new AggregateError(errors, "all promises were rejected"));
    return gathered(this, many, (note) => [undefined, note], failed);
  }
}
Object.defineProperty(Later, "name", { value: "Promise" });
Object.defineProperty(Later.prototype, Symbol.toStringTag, { value: "Promise", configurable: true });

/** What becomes of several: `reactions` says of which ends of theirs a note is taken, `done` what to do with all notes; any
 * other end is that of the whole. */
function gathered(kind, many, reactions, done) {
  return new kind((resolve, reject) => {
    const notes = [];
    let left = 1;
    const settled = () => {
      left -= 1;
      if (left === 0) done(resolve, reject, notes);
    };
    let at = 0;
    for (const one of many) {
      const place = at++;
      left += 1;
      const [fulfilled = resolve, rejected = reject] = reactions((value) => {
        notes[place] = value;
        settled();
      });
      kind.resolve(one).then(fulfilled, rejected);
    }
    settled();
  });
}

/** Runs something behind what is to be done already. */
export function soon(run) {
  if (typeof run !== "function") throw new TypeError("what is to be done is a function");
  jobs.push(() => {
    try {
      run();
    } catch (error) {
      unheard.set(run, error);
    }
  });
}

/** Does what is to be done, until there is nothing. Returns what was thrown where nobody waits for it. */
export function drain() {
  while (jobs.length > 0) {
    const now = jobs;
    jobs = [];
    for (const job of now) job();
  }
  const errors = [...unheard.values()];
  unheard.clear();
  return errors;
}

/** What `run` gives or throws, now or later, once everything that it has begun is done; `tell` is told what was thrown where
 * nobody waits for it. */
export function finished(run, tell) {
  let value;
  try {
    value = run();
  } catch (error) {
    rest(tell);
    throw error;
  }
  if (value instanceof Later) return settled(value, tell);
  rest(tell);
  return value;
}

function rest(tell) {
  if (jobs.length > 0 || unheard.size > 0) drain().forEach(tell);
}

function settled(promise, tell) {
  let [state, value] = [PENDING, undefined];
  const settle = (as) => (found) => { [state, value] = [as, found]; };
  promise.then(settle(FULFILLED), settle(REJECTED));
  rest(tell);
  if (state === FULFILLED) return value;
  if (state === REJECTED) throw value;
  throw new TypeError("the function waits for a promise that nothing settles: there are no timers here, and nothing that the "
    + "node is asked for comes later");
}
