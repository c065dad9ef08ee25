/** The bar for many lines at once. */

import { byId } from "../dom.js";
import { plural } from "../format.js";

/**
 * @import { Commands } from "./commands.js"
 * @import { Production } from "./production.js"
 * @import { Review } from "./review.js"
 */

/** @param {Review} review @param {Commands} commands @param {Production} production */
export function wireSelection(review, commands, production) {
  const bar = byId("selection");
  const all = byId("pick-all", HTMLInputElement);
  /** @param {string} id Of a button @param {(ids: string[]) => void} run */
  const act = (id, run) => byId(id).addEventListener("click", () => run(review.targets));
  act("many-assign", (ids) => commands.assign(ids));
  act("many-lock", (ids) => commands.lock(ids));
  act("many-unlock", (ids) => commands.unlock(ids));
  act("many-accept", (ids) => commands.accept(ids));
  act("many-regenerate", (ids) => production.regenerate(ids));
  byId("many-speaker").addEventListener("click", () => pickSpeaker(review));
  byId("many-none").addEventListener("click", () => {
    review.select([...review.selected], false);
    review.tell("leave");
  });
  all.addEventListener("change", () => review.select(review.shown, all.checked));
  const show = () => {
    const count = review.selected.size;
    bar.hidden = !count;
    byId("selected-count").textContent = `${plural(count, "line")} selected`;
    all.checked = count > 0 && review.shown.every((id) => review.selected.has(id));
    all.indeterminate = count > 0 && !all.checked;
  };
  review.when("selection", show);
  review.when("lines", show);
}

/** Pick out all lines of the current line's speaker. @param {Review} review */
export function pickSpeaker(review) {
  const speaker = review.line?.speaker;
  const all = [...review.lines.values()].filter((line) => line.speaker === speaker);
  review.select(all.map((line) => line.id), true);
}
