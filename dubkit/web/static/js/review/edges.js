/** Moving where a line starts and ends, by drag or by key. */

/**
 * @import { ReviewLine } from "../../../types/api"
 * @import { Fields } from "./api.js"
 * @import { Review } from "./review.js"
 * @import { Saver } from "./saver.js"
 */

/** Shortest line that can be made, and how near an edge counts as unmoved, in seconds. */
export const SHORTEST = 0.1;
const UNMOVED = 0.005;

/**
 * How far the edges of a line may go: to its neighbours, and never deeper into one it already overlaps.
 * @param {Review} review @param {ReviewLine} line
 * @returns {[number, number]} Seconds
 */
export function room(review, line) {
  let [from, to] = [0, review.duration || Infinity];
  for (const other of review.lines.values()) {
    if (other.id === line.id) continue;
    if (other.start <= line.start) from = Math.max(from, Math.min(other.end, line.start));
    else to = Math.min(to, Math.max(other.start, line.end));
  }
  return [from, to];
}

/**
 * Save the edges that really moved.
 * @param {Saver} saver @param {ReviewLine} line
 * @param {number} start @param {number} end
 */
export function saveEdges(saver, line, start, end) {
  /** @type {Fields} */
  const fields = {};
  if (Math.abs(start - line.start) > UNMOVED) fields.start = Math.round(start * 1000) / 1000;
  if (Math.abs(end - line.end) > UNMOVED) fields.end = Math.round(end * 1000) / 1000;
  if (Object.keys(fields).length) saver.save(line.id, fields);
}
