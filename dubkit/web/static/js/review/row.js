/** One row of the list: a line with its texts, chips and state. */

import { first, h, icon } from "../dom.js";
import { clock } from "../format.js";
import { flagLabel, flagMeaning, measures } from "./flags.js";
import { dubLanguage } from "./language.js";
import { lengths, lengthSaid, needed } from "./lengths.js";

/**
 * @import { ReviewLine } from "../../../types/api"
 * @import { Child } from "../dom.js"
 * @import { Review } from "./review.js"
 */

/** @param {string} name @param {...Child} children */
const cell = (name, ...children) => h("div", { role: "gridcell", class: `c-${name}` }, ...children);

/**
 * @param {Review} review @param {ReviewLine} line @param {string} text What the translated text is on this page
 * @returns {HTMLElement}
 */
export function buildRow(review, line, text) {
  const pick = h("input", { type: "checkbox", class: "pick", tabindex: "-1", "aria-label": `Select line ${line.number}` });
  const row = h(
    "div",
    { role: "row", class: "line", id: `row-${line.id}`, tabindex: "-1", data: { id: line.id }, "aria-rowindex": line.number + 1 },
    cell("pick", review.canEdit && h("label", { class: "touch" }, pick)),
    cell("time"),
    cell("speaker"),
    h("div", { role: "gridcell", class: "c-source", dir: "auto" }),
    cell("text", h("p", { class: "text", dir: "auto" })),
    cell("state"),
  );
  fillRow(row, review, line, text);
  return row;
}

/**
 * Bring a row up to date; a text being edited in it is left alone.
 * @param {HTMLElement} row @param {Review} review @param {ReviewLine} line @param {string} text
 */
export function fillRow(row, review, line, text) {
  const [, time, speaker, source, target, state] = row.children;
  time.replaceChildren(
    h("span", { class: "no" }, String(line.number)),
    h("span", { class: "clock" }, clock(line.start)),
    h("span", { class: "length", title: lengthSaid(line.timing) || null }, lengths(line)),
  );
  const name = line.speaker_name || line.speaker || "nobody";
  speaker.replaceChildren(h("span", { class: `dot speaker-${review.colour(line.speaker)}` }), h("span", { class: "name" }, name));
  source.textContent = line.source;
  const shown = first(target, ".text");
  if (shown) {
    shown.textContent = text || "No text";
    shown.lang = text ? dubLanguage() : "en";
    shown.classList.toggle("no-text", !text);
  }
  state.replaceChildren(...chips(line), savingMark(review, line.id));
  row.classList.toggle("locked", line.locked);
  row.classList.toggle("accepted", line.accepted);
  row.classList.toggle("problem", line.flags.length > 0 || Boolean(line.conflict));
}

/** @param {string} label @param {string} title @param {string} kind @param {string} [picture] */
export function chip(label, title, kind, picture) {
  return h("span", { class: `chip ${kind}`, title: title || null }, picture ? icon(picture) : null, label);
}

/** @param {ReviewLine} line @returns {HTMLElement[]} */
export function chips(line) {
  const found = [];
  if (line.locked) found.push(chip("Locked", "Text and take stay through every rerun", "state", "lock"));
  if (line.accepted) found.push(chip("Accepted", "Somebody has heard it and found it good", "good", "check"));
  if (line.conflict) found.push(chip("Conflict", line.conflict, "bad", "warning"));
  for (const flag of line.flags) {
    if (flag !== "lock-conflict") found.push(chip(flagLabel(flag), flagMeaning(flag), "flag", "flag"));
  }
  if (needed(line)) found.push(chip(needed(line), lengthSaid(line.timing), "measure"));
  for (const { label, title } of measures(line)) found.push(chip(label, title, "measure"));
  if (line.route !== "voice") found.push(chip(line.route === "keep" ? "Kept" : line.route === "drive" ? "Driven" : "Lips", line.reason, "route"));
  if (line.takes > 1) found.push(chip(`${line.takes} takes`, `Take ${line.take} is chosen`, "measure"));
  if (line.note) found.push(chip("Note", line.note, "note", "note"));
  return found;
}

/** @param {Review} review @param {string} id */
export function savingMark(review, id) {
  const saving = review.savings.get(id);
  if (!saving) return h("span", { class: "saving" });
  if (saving.state === "saving") return h("span", { class: "saving" }, "Saving…");
  if (saving.state === "saved") return h("span", { class: "saving ok" }, icon("check"), "Saved");
  return h(
    "span",
    { class: "saving bad", title: saving.message },
    icon("warning"),
    "Not saved",
    h("button", { type: "button", class: "btn little", data: { act: "retry" } }, "Try again"),
  );
}
