import type { Level } from "./index.js";

export interface Sent {
  channel: string;
  value: any;
  key?: string;
  headers: [string, string][];
  id: string;
}

export interface Parts {
  contentType?: string;
  key?: string;
  headers?: Record<string, string>;
  attempt?: number;
  retained?: boolean;
  /** The event's id, to deliver it twice; one of its own if it is left out. */
  id?: string;
}

/** What a handler did with one event. */
export class Delivered {
  readonly published: Sent[];
  readonly retained: Sent[];
  readonly cleared: string[];
  readonly asked: { channel: string; value: any }[];
  readonly logged: { level: Level; message: string; fields: Record<string, string> }[];
  /** The same, once it is sure that the handler did not fail. */
  ok(): this;
  /** The answer to a call; where the handler failed, reading it throws. */
  readonly answer: any;
  /** How the handler failed; undefined: it did not. */
  readonly failure?: { rejected: boolean; reason: string; afterMs?: number };
  /** The values it published on one channel, in order. */
  publishedOn(channel: string): any[];
}

/** A fake node with one instance of the plugin whose modules the test has imported. It refuses what a node refuses, in the same
 * words. Where the handler is `async`, what it returns is a promise. */
export class Host {
  constructor(options?: {
    /** The plugin's configuration. */
    config?: Record<string, unknown>;
    /** Who answers the handler's calls, by pattern: a value, or a function of the value asked with, which may throw `reject(…)`,
     * `retry(…)` or a HiveError. */
    answers?: Record<string, any>;
    /** Kept values by channel. */
    kept?: Record<string, unknown>;
    /** What the plugin has kept in its state, by key. */
    state?: Record<string, unknown>;
    /** Secrets that it is granted, by name. */
    secrets?: Record<string, string>;
  });
  readonly description: any;
  kept(channel: string): any;
  /** What the plugin's state has for a key now. */
  state(key: string): any;
  /** Lets milliseconds pass for what the plugin's state has only for so long. */
  pass(ms: number): void;
  /** What the plugin saves for the version that takes over, as bytes. */
  save(): Uint8Array & Promise<Uint8Array>;
  /** Hands the plugin what another version has saved, bytes or a value. Throws a text when it refuses. */
  restore(saved: unknown, version?: string): void | Promise<void>;
  timer(name: string): number | undefined;
  deliver(channel: string, value?: unknown, parts?: Parts): Delivered & Promise<Delivered>;
  call(channel: string, value?: unknown, parts?: Parts): Delivered & Promise<Delivered>;
  tick(name: string): Delivered & Promise<Delivered>;
  fire(name: string): Delivered & Promise<Delivered>;
}
