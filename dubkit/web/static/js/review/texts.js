/** The texts that a line may have, by their lengths. */

import { byId, h } from "../dom.js";
import { say } from "./announce.js";
import { dubLanguage } from "./language.js";
import { lengthSaid } from "./lengths.js";
import { chip } from "./row.js";

/**
 * @import { OwnText, ReviewLine } from "../../../types/api"
 * @import { Commands } from "./commands.js"
 * @import { Review } from "./review.js"
 */

/** @type {Record<OwnText["origin"], string>} */
const ORIGINS = { translation: "first translation", model: "written by the model", list: "another translation", shortened: "shortened" };

/** @param {ReviewLine} line @param {Commands} commands @param {boolean} mayChoose */
export function showTexts(line, commands, mayChoose) {
  const { texts, why } = line.timing;
  byId("line-length").textContent = lengthSaid(line.timing);
  byId("length").hidden = line.timing.predicted === null;
  byId("texts-block").hidden = texts.length < 2;
  byId("texts").replaceChildren(...texts.map((text) => entry(line, text, commands, mayChoose)));
  byId("texts-why").textContent = why;
}

/** @param {ReviewLine} line @param {OwnText} text @param {Commands} commands @param {boolean} mayChoose */
function entry(line, text, commands, mayChoose) {
  const use = () => commands.chooseText(line, text.number);
  return h(
    "li",
    { class: text.used ? "take chosen" : "take", "aria-current": text.used && "true" },
    h("span", { class: "no" }, String(text.number)),
    h("div", { class: "take-what" }, h("span", { class: "muted" }, facts(text)), h("span", { class: "own-text", dir: "auto", lang: dubLanguage() }, text.text)),
    h(
      "div",
      { class: "take-acts" },
      mayChoose && !text.used && h("button", { type: "button", class: "btn little", "aria-label": `Use text ${text.number}: ${text.text}`, on: { click: use } }, "Use"),
      text.used && chip("In use", "The line has this text", "good", "check"),
      text.chosen && chip("Fits best", "Chosen for the time of the line", "measure"),
      ...text.losses.map((loss) => chip(`loses ${loss}`, "The source says it and this text does not", "flag", "flag")),
    ),
  );
}

/** @param {OwnText} text */
function facts(text) {
  return [`${text.seconds.toFixed(1)} s`, `${text.pace.toFixed(2)}×`, ORIGINS[text.origin], ...text.changes].filter(Boolean).join(" · ");
}

/** Give the current line the next of its texts, or the one before. @param {Review} review @param {Commands} commands @param {number} step */
export function nextText(review, commands, step) {
  const line = review.line;
  if (!line) return;
  const { texts } = line.timing;
  if (texts.length < 2) return say(`Line ${line.number} has no other text.`);
  if (line.locked) return say(`Line ${line.number} is locked. Unlock it to change its text.`);
  const at = texts.findIndex((text) => text.used);
  const next = at < 0 ? (step > 0 ? 0 : texts.length - 1) : (at + step + texts.length) % texts.length;
  commands.chooseText(line, texts[next].number);
}
