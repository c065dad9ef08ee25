/** Two people changed one line: show both, and let one choose. */

import { byId, h } from "../dom.js";
import { namesOf } from "./api.js";
import { ROUTES } from "./flags.js";
import { dubLanguage } from "./language.js";

/**
 * @import { ReviewLine } from "../../../types/api"
 * @import { Fields } from "./api.js"
 * @typedef {"mine"|"theirs"|""} Choice Empty when it is put off; what was typed stays then.
 */

/** @type {Record<string, string>} */
const NAMES = { text: "Text", speaker: "Speaker", start: "Start", end: "End", route: "Route", note: "Note", delivery: "Delivery", voice: "Voice", accepted: "Accepted" };

/** The choice that was asked for last. @type {Promise<Choice|void>} */
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
 * @param {ReviewLine} theirs @param {Fields} mine @param {string} message
 * @returns {Promise<Choice>}
 */
export function settleConflict(theirs, mine, message) {
  const choice = last.then(() => ask(theirs, mine, message));
  last = choice;
  return choice;
}

/** @param {ReviewLine} theirs @param {Fields} mine @param {string} message @returns {Promise<Choice>} */
function ask(theirs, mine, message) {
  const dialog = byId("conflict", HTMLDialogElement);
  byId("conflict-why").textContent = message;
  byId("conflict-title").textContent = `Line ${theirs.number} was changed meanwhile`;
  const table = byId("conflict-fields");
  table.replaceChildren();
  for (const name of namesOf(mine)) {
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
    dialog.addEventListener("close", () => resolve(/** @type {Choice} */ (dialog.returnValue)), { once: true });
  });
}
