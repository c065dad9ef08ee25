/** Two people changed one line: show both, and let one choose. */

import { byId, h } from "./dom.js";
import { ROUTES } from "./flags.js";

/** @typedef {import("./review.js").Line} Line */

/** @type {Record<string, string>} */
const NAMES = { text: "Text", speaker: "Speaker", start: "Start", end: "End", route: "Route", note: "Note", delivery: "Delivery", voice: "Voice", accepted: "Accepted" };

/** @param {string} name @param {unknown} value */
function shown(name, value) {
  if (name === "route") return ROUTES[String(value)] ?? String(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return `${value.toFixed(2)} s`;
  return String(value ?? "") || "(empty)";
}

/**
 * @param {Line} before @param {Partial<Line>} mine @param {Line} theirs @param {string} message
 * @returns {Promise<"mine"|"theirs"|"">} Empty when the choice is put off; what was typed stays then.
 */
export function settleConflict(before, mine, theirs, message) {
  const dialog = byId("conflict");
  byId("conflict-why").textContent = message;
  byId("conflict-title").textContent = `Line ${before.number} was changed meanwhile`;
  const table = byId("conflict-fields");
  table.replaceChildren();
  for (const name of Object.keys(mine)) {
    table.append(
      h("h3", {}, NAMES[name] ?? name),
      h("div", { class: "version" }, h("h4", {}, "Yours"), h("p", { class: "mine" }, shown(name, mine[name]))),
      h("div", { class: "version" }, h("h4", {}, "On the server"), h("p", { class: "theirs" }, shown(name, theirs[name]))),
    );
  }
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
  });
}
