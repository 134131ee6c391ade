// What the component exports.
import { drain, listen as shuffle } from "#engine";
import { listen as connect } from "#node";
import { listen } from "./console.js";
import { handle, restore, save, start as begin } from "./handle.js";
import { complete, description } from "./registry.js";

// The project's modules are loaded by now: what is wrong with them is said when it is built.
for (const error of drain()) throw error;
complete();
connect();
shuffle();
listen();

export const handler = { describe: description, handle };
export const startup = { start: begin };
export const snapshot = { save, restore };
