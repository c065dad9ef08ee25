/** Two people changed one line: show both, and let one choose. */

import { byId, dubLanguage, h } from "./dom.js";
import { ROUTES } from "./flags.js";

/** @typedef {import("./review.js").Line} Line */

/** @type {Record<string, string>} */
const NAMES = { text: "Text", speaker: "Speaker", start: "Start", end: "End", route: "Route", note: "Note", delivery: "Delivery", voice: "Voice", accepted: "Accepted" };

/** The choice that was asked for last. */
let last = Promise.resolve();

/** @param {string} name @param {unknown} value */
function shown(name, value) {
  if (name === "route") return ROUTES[String(value)] ?? String(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return `${value.toFixed(2)} s`;
  return String(value ?? "") || "(empty)";
}

/**
 * Ask once all that was asked before is settled.
 * @param {Line} theirs @param {Partial<Line>} mine @param {string} message
 * @returns {Promise<"mine"|"theirs"|"">} Empty when the choice is put off; what was typed stays then.
 */
export function settleConflict(theirs, mine, message) {
  last = last.then(() => ask(theirs, mine, message));
  return last;
}

function ask(theirs, mine, message) {
  const dialog = byId("conflict");
  byId("conflict-why").textContent = message;
  byId("conflict-title").textContent = `Line ${theirs.number} was changed meanwhile`;
  const table = byId("conflict-fields");
  table.replaceChildren();
  for (const name of Object.keys(mine)) {
    const words = { dir: "auto", lang: name === "text" ? dubLanguage() : null };
    table.append(
      h("h3", {}, NAMES[name] ?? name),
      h("div", { class: "version" }, h("h4", {}, "Yours"), h("p", { class: "mine", ...words }, shown(name, mine[name]))),
      h("div", { class: "version" }, h("h4", {}, "On the server"), h("p", { class: "theirs", ...words }, shown(name, theirs[name]))),
    );
  }
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
  });
}
