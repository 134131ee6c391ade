// The fake node's bus: what the plugin publishes and asks is written down, and the test answers.
import { HiveError, toWire as errorToWire } from "../errors.js";
import { fromWire, toMessage, toWire } from "../message.js";
import { matches } from "./channel.js";
import { checkCalls, invalid } from "./rules.js";

/** Kept values of a page: few, so that a handler is tested with more pages than one. */
const PAGE = 3;

const nothing = () => ({ published: [], retained: [], cleared: [], asked: [], logged: [] });

/** The interface `hive:node/bus`: it throws what the node would. */
export class Bus {
  #rules; #answers; #kept; #sent = 0;
  /** The event in hand; null outside of one. */
  #event = null;
  /** What came of it so far. */
  done = nothing();

  /** `answers`: by pattern, values or functions of the value asked with; `kept`: messages by channel. */
  constructor(rules, answers, kept) {
    this.#rules = rules;
    this.#answers = answers;
    this.#kept = kept;
  }

  /** Begins with an event. */
  begin(event) {
    this.#event = event;
    this.done = nothing();
    return this.done;
  }

  /** An id that no event had before. */
  next() { return `test-${(this.#sent += 1)}`; }

  publish(channel, message) { return this.#send(this.done.published, channel, message); }

  publishExpiring(channel, message) { return this.publish(channel, message); }

  forward(channel, headers) {
    if (this.#event === null) throw invalid("there is no event to forward outside `handle`");
    return this.publish(channel, { ...this.#event.message, headers });
  }

  retain(channel, message) {
    const id = this.#send(this.done.retained, channel, message);
    this.#kept.set(channel, fromWire(message));
    return id;
  }

  clear(channel) {
    this.#rules.outgoing(channel, []);
    this.#kept.delete(channel);
    this.done.cleared.push(channel);
  }

  request(channel, message) {
    this.#rules.outgoing(channel, message.headers);
    try {
      const value = this.#note(channel, message);
      const [first] = this.#responders(channel);
      if (first === undefined) throw new HiveError("no-responder");
      return said(first, value);
    } catch (error) {
      throw errorToWire(error);
    }
  }

  requestEach(calls) {
    checkCalls(calls);
    return calls.map(({ channel, message }) => outcomeOf(() => this.request(channel, message), (wire) => wire));
  }

  gather(channel, message, _timeout, limit) {
    this.#rules.outgoing(channel, message.headers);
    const [answers, value] = [[], this.#note(channel, message)];
    let good = 0;
    for (const answer of this.#responders(channel)) {
      const outcome = outcomeOf(() => said(answer, value));
      answers.push({ origin: `test-${answers.length + 1}`, outcome });
      if (outcome.tag === "ok" && (good += 1) === limit) break;
    }
    if (answers.length === 0) throw errorToWire(new HiveError("no-responder"));
    return { answers, missing: 0 };
  }

  keptValues(pattern, after) {
    this.#rules.reading(pattern);
    return [...this.#kept.entries()]
      .filter(([channel]) => matches(pattern, channel) && (after === null || channel > after))
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .slice(0, PAGE)
      .map(([channel, message]) => ({ channel, message: toWire(message), id: "test-kept", publishedAt: 0 }));
  }

  #send(list, channel, message) {
    this.#rules.outgoing(channel, message.headers);
    const [{ key, headers }, id] = [fromWire(message), this.next()];
    list.push({ channel, value: fromWire(message).data(), key, headers, id });
    return id;
  }

  /** Notes a question, and has the value that is asked with. */
  #note(channel, message) {
    const value = fromWire(message).data();
    this.done.asked.push({ channel, value });
    return value;
  }

  /** Who answers there, in the order of the test: values, or functions of the value asked with. */
  #responders(channel) {
    return Object.entries(this.#answers).filter(([pattern]) => matches(pattern, channel)).map(([, answer]) => answer);
  }
}

const said = (answer, value) => toWire(toMessage(typeof answer === "function" ? answer(value) : answer));

function outcomeOf(run, wire = errorToWire) {
  try {
    return { tag: "ok", val: run() };
  } catch (error) {
    return { tag: "err", val: wire(error) };
  }
}
