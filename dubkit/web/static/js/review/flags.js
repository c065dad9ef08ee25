/** What flags and measures are called, from the table the server puts into the page. */

import { byId } from "../dom.js";
import { signed } from "../format.js";

/** @import { ReviewLine } from "../../../types/api" */

/** @type {Record<string, [string, string, string]>} Name of a flag -> its label, what it means, and what its measure is called. */
let table = {};

export function readFlags() {
  table = JSON.parse(byId("flag-names")?.textContent || "{}");
}

/** @param {string} flag */
export const flagLabel = (flag) => table[flag]?.[0] ?? capital(flag.replaceAll("-", " "));

/** @param {string} text */
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** @param {string} flag */
const measureLabel = (flag) => table[flag]?.[2] ?? flagLabel(flag);

/** @param {string} flag */
export const flagMeaning = (flag) => table[flag]?.[1] ?? "";

/**
 * Measures of a line worth a chip.
 * @param {ReviewLine} line
 * @returns {{label: string, title: string}[]}
 */
export function measures(line) {
  const found = [];
  if (line.word_error !== null && line.word_error > 0)
    found.push({ label: `word error ${Math.round(line.word_error * 100)} %`, title: `Share of the words that the recogniser got otherwise. It heard: “${line.heard}”` });
  if (line.start_error !== null && Math.abs(line.start_error) >= 0.05)
    found.push({ label: `${signed(line.start_error, 2)} s`, title: "Start of the speech against the start of the line" });
  if (line.loudness_error !== null && Math.abs(line.loudness_error) >= 1)
    found.push({ label: `${signed(line.loudness_error, 1)} LU`, title: "Loudness against the source" });
  if (line.speed && Math.abs(line.speed - 1) >= 0.05)
    found.push({ label: `${line.speed.toFixed(2)}×`, title: "Speaking rate against the voice's own" });
  for (const [name, value] of Object.entries(line.measures))
    found.push({ label: `${measureLabel(name)} ${value}`, title: line.flags.includes(name) ? flagMeaning(name) : "" });
  return found;
}

/** @type {Record<string, string>} */
export const ROUTES = { voice: "Voice only", lipdub: "Voice and lips", drive: "Lips follow the voice", keep: "Keep source" };
