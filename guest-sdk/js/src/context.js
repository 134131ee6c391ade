// The event in hand, beside its payload.
import * as node from "#node";
import { once } from "./state.js";

/** Facts about the event that is being handled. */
export class Context {
  #event;
  #message;

  constructor(event, message) {
    this.#event = event;
    this.#message = message;
  }

  /** The channel the event came on, without its network: never a pattern. */
  get channel() { return this.#event.channel; }
  /** One segment of the channel, counted from 0: what a `*` stood for. */
  segment(index) { return this.#event.channel.split("/")[index]; }
  /** The message with its bytes, content type, key and headers. */
  get message() { return this.#message; }
  get contentType() { return this.#message.contentType; }
  get key() { return this.#message.key; }
  get headers() { return this.#message.headers; }
  /** The publisher's header of that name; the first if there are several. */
  header(name) { return this.#message.header(name); }
  /** 1 the first time this event is handled, then 2, 3, … */
  get attempt() { return this.#event.attempt; }
  /** Whether it is a channel's kept value and not a live event. */
  get retained() { return this.#event.retained; }
  /** Whether somebody waits for the answer. */
  get wantsReply() { return this.#event.wantsReply; }
  /** The event's id: unique for each publish, the same on every redelivery. */
  get id() { return node.current.id(); }
  /** Whether this event is handled for the first time: false when an earlier attempt was done with it. */
  once() { return once(this.id); }
  /** The id of the publishing node, as the mesh authenticated it. */
  get origin() { return node.current.origin(); }
  /** What the publishing node calls itself: a claim, for people. */
  get originName() { return node.current.originName(); }
  /** The network it was published to; undefined for a local (one-segment) channel. */
  get network() { return node.current.network() ?? undefined; }
  /** When it was published, by the origin's clock. */
  get publishedAt() { return new Date(Number(node.current.publishedAt())); }
  /** Milliseconds until this call is cut. */
  get timeLeft() { return Number(node.current.timeLeft()); }
  /** The mesh's own headers (`hive-*`, `traceparent`). */
  get meshHeaders() { return node.current.meshHeaders(); }
}
