/** Sentences of the server as the page says them: its ids of lines become the numbers that people see. */

import { h } from "../dom.js";

/** @import { Review } from "./review.js" */

/** Not where they are part of the name of a file: `s0003.wav`, `s0003-825a1a1a@6.500.wav`. */
const ID = /\bs\d{4,}(?:\.\d+)?\b(?![@.]\w|-[0-9a-f]{8})/g;

/** @param {Review} review @param {string} id @param {boolean} first Whether the sentence begins with it. */
function called(review, id, first) {
  const line = review.lines.get(id);
  return line ? `${first ? "Line" : "line"} ${line.number}` : id;
}

/** @param {Review} review @param {string} text */
export const plainly = (review, text) => text.replace(ID, (id, at) => called(review, id, at === 0));

/** Lines by number in a sentence: `Line 3`, `lines 1, 4 to 6 and 9`; not those of a file, as in `a.srt, line 12`. */
const NUMBERS = /(?<!, )\b[Ll]ines? \d+(?:(?:, | to | and )\d+)*/g;

/** Where a sentence names lines: the words, and the line that they are. @param {Review} review @param {string} text */
function* mentions(review, text) {
  for (const found of text.matchAll(ID)) {
    const line = review.lines.get(found[0]);
    if (line) yield { at: found.index, end: found.index + found[0].length, words: called(review, found[0], found.index === 0), line };
  }
  const all = [...review.lines.values()];
  for (const found of text.matchAll(NUMBERS)) {
    for (const number of found[0].matchAll(/(?:^lines? )?\d+/gi)) {
      const line = all[Number(/\d+/.exec(number[0])[0]) - 1];
      const at = found.index + number.index;
      if (line) yield { at, end: at + number[0].length, words: number[0], line };
    }
  }
}

/**
 * The same, where each line can be pressed to go to it.
 * @param {Review} review @param {string} text
 * @returns {(Node|string)[]}
 */
export function linked(review, text) {
  /** @type {(Node|string)[]} */
  const parts = [];
  let end = 0;
  for (const found of [...mentions(review, text)].sort((one, other) => one.at - other.at)) {
    const go = () => review.goTo(found.line.id, { focus: true, seek: true });
    parts.push(text.slice(end, found.at), h("button", { type: "button", class: "link", on: { click: go } }, found.words));
    end = found.end;
  }
  return [...parts, text.slice(end)].filter((part) => part !== "");
}
