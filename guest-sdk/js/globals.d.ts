// What there is beside the language itself. There are no timers, no `fetch`, no files and no Node.js. `Intl` has types and is not
// there either; local time is UTC.

interface Console {
  /** A line in the node's log, under the plugin's name. */
  log(...values: any[]): void;
  info(...values: any[]): void;
  debug(...values: any[]): void;
  trace(...values: any[]): void;
  warn(...values: any[]): void;
  error(...values: any[]): void;
}
declare var console: Console;

interface TextEncoder {
  readonly encoding: string;
  encode(text?: string): Uint8Array<ArrayBuffer>;
}
declare var TextEncoder: { prototype: TextEncoder; new(): TextEncoder };

interface TextDecoder {
  readonly encoding: string;
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  /** `stream`: more is to come, and what begins a character waits for it. */
  decode(bytes?: ArrayBuffer | ArrayBufferView, options?: { stream?: boolean }): string;
}
declare var TextDecoder: {
  prototype: TextDecoder;
  /** `label`: utf-8 alone; `fatal`: what is none is a TypeError, and not U+FFFD. */
  new(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean }): TextDecoder;
};

interface Performance {
  /** Milliseconds since some moment before: only differences mean anything. */
  now(): number;
}
declare var performance: Performance;

/** Runs a function before the handler's call ends, behind what is to be done already. */
declare function queueMicrotask(run: () => void): void;
/** Random bytes of the node's; nothing else of what browsers have. */
interface Crypto {
  getRandomValues<T extends ArrayBufferView | null>(array: T): T;
  randomUUID(): `${string}-${string}-${string}-${string}-${string}`;
}
declare var crypto: Crypto;

declare function atob(text: string): string;
declare function btoa(text: string): string;
