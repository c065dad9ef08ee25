/** Which lines are shown, and the way from one problem to the next. */

import { debounce } from "../debounce.js";
import { byId, h } from "../dom.js";
import { clock, plural } from "../format.js";
import { flagLabel } from "./flags.js";
import { isProblem } from "./review.js";

/**
 * @import { ReviewLine, SpeakerRow } from "../../../types/api"
 * @import { Review } from "./review.js"
 */

export class Filters {
  /** @param {Review} review */
  constructor(review) {
    this.review = review;
    this.form = byId("filters", HTMLFormElement);
    this.speaker = byId("filter-speaker", HTMLSelectElement);
    /** Speaker named in the address; shown alone at first. @type {string|null} */
    this.asked = new URLSearchParams(location.search).get("speaker");
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("change", () => this.apply());
    byId("search").addEventListener("input", debounce(() => this.apply(), 120));
    byId("clear-filters").addEventListener("click", () => this.clear());
    byId("next-problem").addEventListener("click", () => this.problem(1));
    byId("previous-problem").addEventListener("click", () => this.problem(-1));
    review.when("speakers", () => this.fillSpeakers());
    review.when("line", debounce(() => this.refreshProblems(), 50));
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
    if (this.review.speakers.some((speaker) => speaker.id === this.asked)) this.speaker.value = this.asked;
    this.asked = null;
  }

  passing() {
    const wanted = new FormData(this.form);
    const text = String(wanted.get("text") ?? "").trim().toLocaleLowerCase();
    const speaker = wanted.get("speaker");
    /** @param {ReviewLine} line */
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
    byId("count").textContent = shown === all ? plural(all, "line") : `${shown} of ${plural(all, "line")}`;
    byId("clear-filters").hidden = shown === all;
  }

  fillSpeakers() {
    const chosen = this.speaker.value;
    /** @param {SpeakerRow} speaker */
    const option = (speaker) => h("option", { value: speaker.id }, speaker.name || speaker.id);
    this.speaker.replaceChildren(h("option", { value: "" }, "All speakers"), ...this.review.speakers.map(option));
    this.speaker.value = chosen;
  }

  problems() {
    return [...this.review.lines.values()].filter(isProblem);
  }

  refreshProblems() {
    const problems = this.problems();
    byId("problem-count").textContent = plural(problems.length, "problem");
    for (const id of ["next-problem", "previous-problem"]) byId(id, HTMLButtonElement).disabled = !problems.length;
    /** @param {ReviewLine} line */
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
