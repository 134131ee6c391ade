/// <reference path="./globals.d.ts" />

/** What the plugin says of itself. All of it may be left out. */
export interface PluginOptions {
  /** For people; the package's name if it is left out. */
  name?: string;
  /** The package's version if it is left out. */
  version?: string;
  /** `pool`: several warm instances, memory is a cache; `fresh`: a new one for each event; `single`: one per node, one
   * call at a time, memory lives from event to event. */
  instances?: "pool" | "fresh" | "single";
  /** Patterns it means to publish to or call; the node denies every other. */
  publishes?: string[];
}

export interface SubscribeOptions {
  /** One node of the group gets each event: `true` for the plugin's own group, or its name. */
  group?: boolean | string;
  /** Every event, also what durable channels carried while this node was away; not with `group`, which goes on where it left off
   * anyway. */
  durable?: boolean;
}

export interface DataOptions<T> extends SubscribeOptions {
  /** Checks the data, and gives what the handler is given: `parse: Order.parse` of zod, `(data) => v.parse(Order, data)` of
   * valibot, or a function of your own. What it throws is a rejection: the same data would fail again. */
  parse?: (data: unknown) => T;
}

export interface RawOptions extends SubscribeOptions {
  /** The handler is given the message instead of its data. */
  raw: true;
}

export type Headers = Record<string, string> | [string, string][];

export interface MessageOptions {
  contentType?: string;
  /** Events of one channel with the same key are handled in order. */
  key?: string;
  headers?: Headers;
}

export interface PublishOptions extends MessageOptions {
  /** Milliseconds after which nobody wants it: wherever it waits then, it is dropped. */
  expires?: number;
}

export interface CallOptions extends MessageOptions {
  /** Milliseconds; all that is left of the event's time if it is left out. */
  timeout?: number;
}

/** A message whose every part is yours. */
export class Message {
  constructor(payload?: Uint8Array | ArrayBuffer | string, options?: MessageOptions);
  payload: Uint8Array;
  contentType?: string;
  key?: string;
  headers: [string, string][];
  /** The payload as text; a TypeError where it is not UTF-8. */
  text(): string;
  /** The payload read as JSON; undefined if it is empty. */
  json(): any;
  /** The first header of that name. */
  header(name: string): string | undefined;
  /** JSON as its value, `text/…` as a text, another content type as bytes; without one whichever it is. */
  data(): any;
}

/** Facts about the event that is being handled. */
export class Context {
  /** The channel the event came on, without its network: never a pattern. */
  readonly channel: string;
  /** One segment of the channel, counted from 0: what a `*` stood for. */
  segment(index: number): string;
  readonly message: Message;
  readonly contentType?: string;
  readonly key?: string;
  readonly headers: [string, string][];
  /** The publisher's header of that name; the first if there are several. */
  header(name: string): string | undefined;
  /** 1 the first time this event is handled, then 2, 3, … */
  readonly attempt: number;
  /** Whether it is a channel's kept value and not a live event. */
  readonly retained: boolean;
  /** Whether somebody waits for the answer. */
  readonly wantsReply: boolean;
  /** The event's id: unique for each publish, the same on every redelivery. */
  readonly id: string;
  /** Whether this event is handled for the first time, on this node: false when an earlier attempt was done with it and only
   * its outcome was lost on the way. Remembered for 24 hours; see `once`. */
  once(): boolean;
  /** The id of the publishing node, as the mesh authenticated it. */
  readonly origin: string;
  /** What the publishing node calls itself: a claim, for people. */
  readonly originName: string;
  /** The network it was published to; undefined for a local (one-segment) channel. */
  readonly network?: string;
  readonly publishedAt: Date;
  /** Milliseconds until this call is cut. */
  readonly timeLeft: number;
  /** The mesh's own headers (`hive-*`, `traceparent`). */
  readonly meshHeaders: [string, string][];
}

/** Hopeless: the event goes to the plugin's dead letters, a caller gets `rejected`. */
export class Reject extends Error {
  constructor(reason: unknown, options?: { cause?: unknown });
}

/** Passing trouble: the node delivers the event again, a caller gets `failed` at once. */
export class Retry extends Error {
  constructor(reason: unknown, afterMs?: number, options?: { cause?: unknown });
  afterMs?: number;
}

export type ErrorCode =
  | "denied" | "invalid" | "too-large" | "overloaded" | "no-responder" | "timeout" | "deadlock" | "failed"
  | "rejected" | "unavailable" | "unexpected-answer" | "unexpected-value" | (string & {});

/** What the node refuses, and what went wrong with a call. */
export class HiveError extends Error {
  constructor(code: ErrorCode, value?: unknown, channel?: string);
  readonly code: ErrorCode;
  readonly value: unknown;
  /** The channel that was called, if it was a call. */
  readonly channel: string | undefined;
  /** Whether the same attempt would fail again. */
  readonly permanent: boolean;
  toJSON(): { code: ErrorCode; message: string; channel?: string };
}

export function reject(reason: unknown, options?: { cause?: unknown }): Reject;
export function retry(reason: unknown, afterMs?: number, options?: { cause?: unknown }): Retry;

type MaybeLater<T> = T | Promise<T>;

/** Says what the plugin is and where it means to publish. */
export function plugin(options: PluginOptions): void;

/** Handles events: `on("orders/*", (order, ctx) => …)`. In a pattern `*` is one segment, `**` any number, and `{name}` the value
 * that the configuration has for it. Where several patterns match an event, the first of them alone is called. */
export function on<T = any>(pattern: string, run: (data: T, ctx: Context) => unknown): typeof run;
export function on(pattern: string, options: RawOptions, run: (message: Message, ctx: Context) => unknown): typeof run;
export function on<T = any>(pattern: string, options: DataOptions<T>, run: (data: T, ctx: Context) => unknown): typeof run;

/** Handles events, and answers calls with what the function returns. Of several that match a call, the first one answers. */
export function answer<T = any, R = unknown>(pattern: string, run: (data: T, ctx: Context) => MaybeLater<R>): typeof run;
export function answer<R = unknown>(pattern: string, options: RawOptions, run: (message: Message, ctx: Context) => MaybeLater<R>): typeof run;
export function answer<T = any, R = unknown>(pattern: string, options: DataOptions<T>, run: (data: T, ctx: Context) => MaybeLater<R>): typeof run;

/** Runs again and again: `@every 5s`, or five fields of cron in UTC; with `mesh` on one of the nodes that run it. */
export function tick(name: string, schedule: string, run: (ctx: Context) => unknown): typeof run;
export function tick(name: string, schedule: string, options: { mesh?: boolean }, run: (ctx: Context) => unknown): typeof run;

/** Runs once in each new instance, before its first event. What it throws refuses the instance. */
export function start(run: () => unknown): typeof run;

/** Hands the memory of a `single` plugin to the version that takes over: what `save` gives, `restore` gets, as JSON; with
 * `raw` as bytes. What either throws refuses the new version, and the one before goes on. */
export function snapshot<T = any>(save: () => MaybeLater<T>, restore: (saved: T, version: string) => unknown): void;
export function snapshot(
  save: () => MaybeLater<Uint8Array>, restore: (saved: Uint8Array, version: string) => unknown, options: { raw: true },
): void;

/** Publishes a value; gives the event's id. It takes effect at once, also when the handler fails later. A `Message` is published
 * as it is, with the key and the headers of `options` where they are given. */
export function publish(channel: string, value?: unknown, options?: PublishOptions): string;
/** Publishes the payload of the event in hand, without copying it. */
export function forward(channel: string, headers?: Headers): string;
/** Publishes a value and keeps it as the channel's last one, on every node. */
export function retain(channel: string, value: unknown, options?: MessageOptions): string;
/** Forgets the channel's last value; subscribers get an empty event. */
export function clear(channel: string): void;
/** Asks, and gives the answer's data. */
export function call<R = any>(channel: string, value?: unknown, options?: CallOptions): R;
/** Asks several at once, at most 64; a HiveError stands in the place of what failed. */
export function callEach<R = any>(calls: [channel: string, value?: unknown][], options?: { timeout?: number }): (R | HiveError)[];
/** Asks everybody who answers there; ends early once `limit` answers are good. */
export function gather<R = any>(channel: string, value?: unknown, options?: CallOptions & { limit?: number }): {
  answers: { origin: string; value?: R; error?: HiveError }[];
  missing: number;
};
/** A channel's kept value; undefined if there is none. The plugin subscribes there, or has it among
 * its configuration's `subscribes`. */
export function kept<T = any>(channel: string): T | undefined;
/** The kept values that match, in the order of their channels. One pattern covers this one that the plugin
 * subscribes to, or has among its configuration's `subscribes`. */
export function keptValues<T = any>(pattern: string): Generator<{ channel: string; value: T; id: string; publishedAt: Date }>;
/** Sets a one-shot timer: the value comes back as an event on `$timer/<name>`, to which the plugin subscribes. */
export function after(name: string, ms: number, value?: unknown): void;
/** Cancels a one-shot timer; false when there was none that had not fired. */
export function cancel(name: string): boolean;

/** The plugin's configuration. */
export const config: {
  get(key: string): string | undefined;
  /** In the type of `fallback`. */
  get<T extends string | number | boolean>(key: string, fallback: T): T extends number ? number : T extends boolean ? boolean : string;
  /** Everything, nested keys joined by dots. */
  all(): Record<string, string>;
};

export interface Lasting {
  /** Milliseconds from which on the value is not there any more, at least 1; it stays if they are left out. */
  ttl?: number;
}

/** What the plugin keeps on its node, for all its instances, over new versions and restarts. Values are JSON, or bytes as they
 * are. Other instances see at once what a handler writes; it gets to disk within about a second, and `flush` waits for that. A
 * rejection or a retry keeps what was written before. A key has 1 byte to 1 KiB, a value at most 1 MiB. */
export const state: {
  /** The value of a key; undefined if there is none. */
  get<T = any>(key: string): T | undefined;
  /** The bytes of a key; undefined if there are none. */
  bytes(key: string): Uint8Array | undefined;
  /** The values of several keys, at most 256, in the order asked. */
  getEach<T = any>(keys: string[]): (T | undefined)[];
  /** Puts a value in place of any that the key has. */
  set(key: string, value: unknown, options?: Lasting): void;
  /** Removes a key; one that is not there is fine. */
  delete(key: string): void;
  /** The keys that begin with `prefix`, in order. */
  keys(prefix?: string): Generator<string>;
  /** Adds to a whole number and gives the sum, whoever else adds at the same time. A missing key counts as 0. What is no whole
   * number is an error, also where it could be made one. */
  increment(key: string, delta?: number | bigint): number;
  /** Puts a value in place of the expected one, undefined meaning that the key is not there; the value undefined removes it.
   * False when it had another. The expected one is compared as it is written. */
  swap(key: string, expected: unknown, value: unknown, options?: Lasting): boolean;
  /** Makes a new value from the old one, again when somebody else was faster, and gives what it made. */
  update<T = any>(key: string, change: (before: T | undefined) => T | undefined): T | undefined;
  /** Waits until everything that this call has written so far is on disk. */
  flush(): void;
};

/** Whether this is the first time that something is done, by an id of your own; for the event in hand it is `ctx.once()`.
 * What the handler writes to its state gets to disk together with it; where the handler fails, it was not done, and the next
 * attempt is the first again: do what may fail before you write. Remembered for 24 hours, or so many milliseconds. */
export function once(id: string, options?: { remembered?: number }): boolean;

/** A secret that the node's configuration grants the plugin; a HiveError `denied` has the line to add. */
export function secret(name: string): string;

export type Level = "trace" | "debug" | "info" | "warn" | "error";
type Say = (message: unknown, fields?: Record<string, unknown> | Error) => void;
/** Lines in the node's log, under the plugin's name: texts as they are, errors with their stack and causes, other values as what
 * they are. They never throw. */
export const log: { enabled(level: Level): boolean; trace: Say; debug: Say; info: Say; warn: Say; error: Say };

/** Where the plugin is. */
export const here: {
  readonly id: string;
  readonly name: string;
  readonly networks: string[];
  readonly plugin: string;
  readonly generation: number;
};
