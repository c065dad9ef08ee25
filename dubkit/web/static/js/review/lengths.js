/** How long the text of a line takes in the voice's own pace, and how long it may take. */

/** @import { LineTiming, ReviewLine } from "../../../types/api" */

/** Pace against the voice's own from which a listener notices that a line is hurried. */
const QUICK = 1.1;

/** Length of the text and the time of the line: "2.2 of 2.0 s"; only the line's own where nothing predicts it. @param {ReviewLine} line */
export function lengths(line) {
  const { predicted, room, basis } = line.timing;
  if (predicted === null) return `${(line.end - line.start).toFixed(1)} s`;
  return `${basis === "reckoned" ? "~" : ""}${predicted.toFixed(1)} of ${room.toFixed(1)} s`;
}

/** The same in a sentence; empty where nothing predicts it. @param {LineTiming} timing */
export function lengthSaid({ predicted, room, pace, basis, stale, too_long }) {
  if (predicted === null || pace === null) return "";
  const about = basis === "reckoned" ? "about " : "";
  const long = too_long ? ` It is too long by ${too_long.toFixed(1)} s, wherever it is placed.` : "";
  const changed = stale ? " It was changed since it was scheduled; a render finds its place anew." : "";
  return `The text takes ${about}${predicted.toFixed(1)} s at the voice's own pace. The line has ${room.toFixed(1)} s, so it is spoken at ${pace.toFixed(2)}×.${long}${changed}`;
}

/** The pace that a hurried line will need, until it is spoken; else empty. @param {ReviewLine} line */
export function needed({ timing, flags }) {
  const spoken = timing.spoken !== null && !timing.stale && !flags.includes("other-text");
  return !spoken && timing.pace !== null && timing.pace > QUICK ? `needs ${timing.pace.toFixed(2)}×` : "";
}
