// What the component exports.
import { handle, restore, save, start as begin } from "./handle.js";
import { complete, description } from "./registry.js";

// The project's modules are loaded by now: what is wrong with them is said when it is built.
complete();

export const handler = { describe: description, handle };
export const startup = { start: begin };
export const snapshot = { save, restore };
