/** Which lines are shown, and the way from one problem to the next. */

import { byId, clock, counted, h, settled } from "./dom.js";
import { flagLabel } from "./flags.js";
import { isProblem } from "./review.js";

export class Filters {
  /** @param {import("./review.js").Review} review */
  constructor(review) {
    this.review = review;
    this.form = byId("filters");
    /** Speaker named in the address; shown alone at first. @type {string|null} */
    this.asked = new URLSearchParams(location.search).get("speaker");
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("change", () => this.apply());
    byId("search").addEventListener("input", settled(() => this.apply(), 120));
    byId("clear-filters").addEventListener("click", () => this.clear());
    byId("next-problem").addEventListener("click", () => this.problem(1));
    byId("previous-problem").addEventListener("click", () => this.problem(-1));
    review.when("speakers", () => this.fillSpeakers());
    review.when("line", settled(() => this.refreshProblems(), 50));
  }

  /** Work out what is shown, before the list is built. */
  prepare() {
    this.fillSpeakers();
    this.showAsked();
    this.review.shown = this.passing();
    if (!this.review.lines.has(this.review.current)) this.review.current = this.review.shown[0] ?? "";
    this.refreshProblems();
    this.count();
  }

  showAsked() {
    if (this.review.speakers.some((speaker) => speaker.id === this.asked)) byId("filter-speaker").value = this.asked;
    this.asked = null;
  }

  passing() {
    const wanted = new FormData(this.form);
    const text = String(wanted.get("text") ?? "").trim().toLocaleLowerCase();
    const speaker = wanted.get("speaker");
    const passes = (line) =>
      (!wanted.has("flagged") || isProblem(line)) &&
      (!wanted.has("open") || !line.accepted) &&
      (!wanted.has("unlocked") || !line.locked) &&
      (!speaker || line.speaker === speaker) &&
      (!text || [line.text, line.source, line.note, String(line.number)].some((part) => part.toLocaleLowerCase().includes(text)));
    return [...this.review.lines.values()].filter(passes).map((line) => line.id);
  }

  apply() {
    this.review.shown = this.passing();
    this.count();
    this.review.tell("shown");
    if (this.review.shown.length && !this.review.shown.includes(this.review.current)) {
      this.review.goTo(this.review.nearestShown(1));
    }
  }

  clear() {
    this.form.reset();
    this.apply();
    byId("search").focus();
  }

  count() {
    const [shown, all] = [this.review.shown.length, this.review.lines.size];
    byId("count").textContent = shown === all ? counted(all, "line") : `${shown} of ${counted(all, "line")}`;
    byId("clear-filters").hidden = shown === all;
  }

  fillSpeakers() {
    const select = byId("filter-speaker");
    const chosen = select.value;
    const option = (speaker) => h("option", { value: speaker.id }, speaker.name || speaker.id);
    select.replaceChildren(h("option", { value: "" }, "All speakers"), ...this.review.speakers.map(option));
    select.value = chosen;
  }

  problems() {
    return [...this.review.lines.values()].filter((line) => isProblem(line) && !line.accepted);
  }

  refreshProblems() {
    const problems = this.problems();
    byId("problem-count").textContent = counted(problems.length, "problem");
    byId("next-problem").disabled = byId("previous-problem").disabled = !problems.length;
    const entry = (line) => {
      const flags = [...line.flags.filter((flag) => flag !== "lock-conflict").map(flagLabel), ...(line.conflict ? ["Conflict"] : [])];
      const button = h("button", { type: "button" }, h("b", {}, String(line.number)), h("span", {}, clock(line.start)), h("span", { class: "what" }, flags.join(", ")));
      button.addEventListener("click", () => {
        byId("problems").hidePopover?.();
        this.review.goTo(line.id, { focus: true, seek: true });
      });
      return h("li", {}, button);
    };
    this.fillList = () => byId("problem-list").replaceChildren(...this.problems().map(entry));
    if (byId("problems").matches(":popover-open")) this.fillList();
    byId("problems").ontoggle = () => this.fillList();
  }

  /** Go to the next problem, around the end. @param {1|-1} step */
  problem(step) {
    const problems = this.problems();
    const number = this.review.line?.number ?? 0;
    const found = step > 0 ? problems.find((line) => line.number > number) ?? problems[0] : problems.findLast((line) => line.number < number) ?? problems.at(-1);
    if (!found) return;
    if (!this.review.shown.includes(found.id)) {
      this.form.reset();
      this.apply();
    }
    this.review.goTo(found.id, { focus: true, seek: true });
  }
}
