// What the component exports.
import { handle, start as begin } from "./handle.js";
import { description } from "./registry.js";

export const handler = { describe: description, handle };
export const startup = { start: begin };
