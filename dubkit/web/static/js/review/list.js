/** The list of lines: a grid with one row in the tab order, built a screenful at once, the rest in idle time. */

import { byId, closest, first } from "../dom.js";
import { buildRow, fillRow, savingMark } from "./row.js";

/**
 * @import { ReviewLine } from "../../../types/api"
 * @import { Move, Review } from "./review.js"
 * @import { Saver } from "./saver.js"
 */

/** Rows made before the first paint, and in each idle stretch after it. */
const FIRST = 40;
const CHUNK = 120;

/** @type {(act: () => void) => number} */
const idle = window.requestIdleCallback ?? ((act) => setTimeout(act, 16));

export class LineList {
  /** @param {Review} review @param {Saver} saver */
  constructor(review, saver) {
    this.review = review;
    this.saver = saver;
    this.grid = byId("lines");
    this.body = byId("rows");
    /** @type {Map<string, HTMLElement>} */
    this.rows = new Map();
    /** Lines that have no row yet. @type {ReviewLine[]} */
    this.work = [];
    this.playing = "";
    this.anchor = "";
    review.when("lines", () => this.build());
    review.when("line", (id) => this.refresh(id));
    review.when("saving", (id) => this.refreshSaving(id));
    review.when("current", (move) => this.move(move));
    review.when("selection", () => this.refreshSelection());
    review.when("shown", () => this.refreshShown());
    this.body.addEventListener("click", (event) => this.clicked(event));
  }

  build() {
    const lines = [...this.review.lines.values()];
    const focused = this.body.contains(document.activeElement);
    this.rows.clear();
    this.body.replaceChildren();
    this.grid.setAttribute("aria-rowcount", String(lines.length + 1));
    this.work = lines;
    this.append(FIRST);
    this.later();
    if (focused) this.focus();
  }

  /** @param {number} count Lines that get their row now. */
  append(count) {
    const fragment = document.createDocumentFragment();
    const wanted = new Set(this.review.shown);
    for (const stale of this.work.splice(0, count)) {
      const line = this.review.lines.get(stale.id);
      const row = buildRow(this.review, line, this.saver.text(line.id));
      row.hidden = !wanted.has(line.id);
      this.rows.set(line.id, row);
      this.dress(row, line.id);
      fragment.append(row);
    }
    this.body.append(fragment);
  }

  later() {
    if (!this.work.length) return;
    const mine = this.work;
    idle(() => {
      if (this.work !== mine) return;
      this.append(CHUNK);
      this.later();
    });
  }

  /** @param {string} id @returns {HTMLElement|undefined} The row of a line, made now if it was still to come. */
  row(id) {
    if (!this.rows.has(id) && this.review.lines.has(id)) this.append(this.work.length);
    return this.rows.get(id);
  }

  /** What depends on which line is current and which are picked. @param {HTMLElement} row @param {string} id */
  dress(row, id) {
    const current = id === this.review.current;
    row.tabIndex = current ? 0 : -1;
    row.classList.toggle("current", current);
    if (current) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
    const picked = this.review.selected.has(id);
    row.setAttribute("aria-selected", String(picked));
    const box = first(row, ".pick", HTMLInputElement);
    if (box) {
      box.checked = picked;
      box.tabIndex = current ? 0 : -1;
    }
  }

  /** @param {string} id */
  refresh(id) {
    const row = this.rows.get(id);
    const line = this.review.lines.get(id);
    if (row && line) fillRow(row, this.review, line, this.saver.text(id));
  }

  /** @param {string} id */
  refreshSaving(id) {
    this.refresh(id);
    const row = this.rows.get(id);
    row?.querySelector(".saving")?.replaceWith(savingMark(this.review, id));
    row?.classList.toggle("unsaved", this.review.savings.get(id)?.state === "failed");
  }

  refreshSelection() {
    for (const [id, row] of this.rows) this.dress(row, id);
  }

  refreshShown() {
    const wanted = new Set(this.review.shown);
    for (const [id, row] of this.rows) row.hidden = !wanted.has(id);
    byId("no-lines").hidden = wanted.size > 0;
  }

  /** @param {Move} move */
  move({ before, id, focus, scroll }) {
    const old = this.rows.get(before);
    const row = this.row(id);
    const hadFocus = old !== undefined && document.activeElement === old;
    if (old) this.dress(old, before);
    if (!row) return;
    this.dress(row, id);
    if (focus || hadFocus) row.focus({ preventScroll: true });
    if (scroll) row.scrollIntoView({ block: "nearest" });
  }

  focus() {
    this.row(this.review.current)?.focus({ preventScroll: true });
  }

  /** Mark the line that is heard now. @param {string} id */
  markPlaying(id) {
    if (id === this.playing) return;
    this.rows.get(this.playing)?.classList.remove("playing");
    this.rows.get(id)?.classList.add("playing");
    this.playing = id;
  }

  /** @param {MouseEvent} event */
  clicked(event) {
    const row = closest(event.target, ".line");
    if (!row) return;
    const id = row.dataset.id;
    const pick = closest(event.target, ".pick", HTMLInputElement);
    if (closest(event.target, "[data-act=retry]")) return void this.saver.retry(id);
    if (pick) return this.pick(id, pick.checked, event.shiftKey);
    if (closest(event.target, "label, textarea, button")) return;
    if (closest(event.target, ".text") && id === this.review.current) this.review.tell("edit", id);
    else if (id !== this.review.current) this.review.goTo(id, { focus: true, seek: true });
    else row.focus({ preventScroll: true });
  }

  /** Pick a line, or let it go; with Shift all from the one picked before. @param {string} id @param {boolean} on @param {boolean} range */
  pick(id, on, range) {
    const shown = this.review.shown;
    const [from, to] = [shown.indexOf(this.anchor), shown.indexOf(id)].sort((a, b) => a - b);
    this.review.select(range && from >= 0 ? shown.slice(from, to + 1) : [id], on);
    this.anchor = id;
  }
}
