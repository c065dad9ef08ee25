/** The list of lines: a grid with one row in the tab order, built a screenful at once, the rest in idle time. */

import { byId } from "./dom.js";
import { buildRow, fillRow, savingMark } from "./row.js";

/** Rows made before the first paint, and in each idle stretch after it. */
const FIRST = 40;
const CHUNK = 120;

const idle = window.requestIdleCallback ?? ((act) => setTimeout(act, 16));

export class LineList {
  /** @param {import("./review.js").Review} review @param {import("./saver.js").Saver} saver */
  constructor(review, saver) {
    this.review = review;
    this.saver = saver;
    this.grid = byId("lines");
    this.body = byId("rows");
    /** @type {Map<string, HTMLElement>} */
    this.rows = new Map();
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

  /** What depends on which line is current and which are picked. */
  dress(row, id) {
    const current = id === this.review.current;
    row.tabIndex = current ? 0 : -1;
    row.classList.toggle("current", current);
    if (current) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
    const picked = this.review.selected.has(id);
    row.setAttribute("aria-selected", String(picked));
    const box = row.querySelector(".pick");
    if (box) {
      box.checked = picked;
      box.tabIndex = current ? 0 : -1;
    }
  }

  refresh(id) {
    const row = this.rows.get(id);
    const line = this.review.lines.get(id);
    if (row && line) fillRow(row, this.review, line, this.saver.text(id));
  }

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

  /** @param {{before: string, id: string, focus: boolean, scroll: boolean}} move */
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

  clicked(event) {
    const row = event.target.closest(".line");
    if (!row) return;
    const id = row.dataset.id;
    if (event.target.closest("[data-act=retry]")) return void this.saver.retry(id);
    if (event.target.matches(".pick")) return this.pick(id, event.target.checked, event.shiftKey);
    if (event.target.closest("label, textarea, button")) return;
    if (event.target.closest(".text") && id === this.review.current) this.review.tell("edit", id);
    else if (id !== this.review.current) this.review.goTo(id, { focus: true, seek: true });
    else row.focus({ preventScroll: true });
  }

  /** Pick a line; with Shift all from the one picked before. */
  pick(id, on, range) {
    const shown = this.review.shown;
    const [from, to] = [shown.indexOf(this.anchor), shown.indexOf(id)].sort((a, b) => a - b);
    this.review.select(range && from >= 0 ? shown.slice(from, to + 1) : [id], on);
    this.anchor = id;
  }
}
