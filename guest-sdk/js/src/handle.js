// From an event to the function that handles it, and from what the function does to what the node is told.
import { finished } from "#engine";
import { Context } from "./context.js";
import { HiveError, Reject, Retry, failureOf } from "./errors.js";
import { Message, fromWire, toMessage, toWire } from "./message.js";
import * as node from "#node";
import { chosen, memory, startAll } from "./registry.js";
import { described, summary } from "./shown.js";
import { attribute } from "./stack.js";
import { begin, breakPromises } from "./state.js";

/** What the node is told: an answer or none. Throws a failure as the node takes it. */
export function handle(event) {
  begin();
  return settled(() => answer(event), (thrown) => {
    breakPromises();
    throw told(thrown, event);
  });
}

/** Runs before the first event. Throws a text. */
export function start() {
  return settled(() => {
    const waits = startAll().filter((done) => done instanceof Promise);
    return waits.length === 0 ? undefined : Promise.all(waits).then(() => undefined);
  }, refused);
}

/** The memory for the version that takes over, as bytes. Throws a text. */
export function save() {
  const bytes = (value) => toMessage(value === undefined ? null : value).payload;
  return settled(() => {
    const saved = memory()?.save();
    return saved instanceof Promise ? saved.then(bytes) : bytes(saved);
  }, refused);
}

/** Takes over what another version has saved. Throws a text. */
export function restore({ version, state }) {
  const { restore: run, raw } = memory() ?? {};
  return settled(() => {
    const done = run?.(raw ? state : remembered(version, state), version);
    return done instanceof Promise ? done.then(() => undefined) : undefined;
  }, refused);
}

function remembered(version, bytes) {
  try {
    return new Message(bytes).json();
  } catch (error) {
    throw new Error(`what version ${version} saved does not parse: ${error.message}`);
  }
}

function refused(thrown) {
  throw described(thrown);
}

function answer(event) {
  const subscription = chosen(event);
  if (subscription === undefined) throw new Reject(`there is no subscription ${event.subscription}`);
  const message = fromWire(event.message);
  const context = new Context(event, message);
  const said = subscription.pattern === undefined
    ? subscription.run(context)
    : subscription.run(data(subscription, message), context);
  const answered = (value) => (event.wantsReply ? written(subscription, value) : null);
  return said instanceof Promise ? said.then(answered) : answered(said);
}

function data({ raw, parse }, message) {
  if (raw) return message;
  let value;
  try {
    value = message.data();
  } catch (error) {
    throw new Reject(`the payload does not parse: ${error.message}`);
  }
  try {
    return parse ? parse(value) : value;
  } catch (error) {
    if (error instanceof Reject || error instanceof Retry || error instanceof HiveError) throw error;
    throw new Reject(`the payload is not what the handler takes: ${reasons(error)}`, { cause: error });
  }
}

/** Reasons of a validator that are told. */
const REASONS_MAX = 5;

/** What is wrong, on one line. Validators keep their reasons as `issues`, each with its path. */
function reasons(error) {
  if (!Array.isArray(error?.issues) || error.issues.length === 0) return error?.message ?? error;
  const place = ({ path }) => (path ?? []).map((step) => step?.key ?? step).join(".");
  const said = error.issues.slice(0, REASONS_MAX).map((issue) => [place(issue), issue.message].filter(Boolean).join(": "));
  const more = error.issues.length - said.length;
  return said.join("; ") + (more > 0 ? `; and ${more} more` : "");
}

/** The answer as the node takes it. Where it cannot be written, no function of the project is in the stack. */
function written({ pattern, site }, value) {
  try {
    return toWire(toMessage(value));
  } catch (error) {
    if (error instanceof Error) attribute(error, `the answer on \`${pattern}\``, site);
    throw error;
  }
}

function told(thrown, { attempt, wantsReply }) {
  const { failure, expected } = failureOf(thrown, wantsReply);
  if (!expected) say(thrown, attempt);
  return failure;
}

/** What was said of something that nobody meant last. */
let said = "";

/** The whole stack; of another try of the same event that ends as the one before, only what happened. */
function say(thrown, attempt) {
  const before = said;
  said = described(thrown);
  const again = attempt > 1 && said === before;
  node.log.log("error", again ? `attempt ${attempt} ends likewise: ${summary(thrown)}` : said, []);
}

/** What was thrown in a function that nobody waits for. */
function overheard(thrown) {
  node.log.log("error", `nobody waited for this: ${described(thrown)}`, []);
}

/** Runs it, and `failed` with what it throws, now or later. */
function settled(run, failed) {
  try {
    const done = finished(run, overheard);
    return done instanceof Promise ? done.catch(failed) : done;
  } catch (thrown) {
    return failed(thrown);
  }
}
