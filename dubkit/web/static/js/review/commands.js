/** What a person does to lines: accept, lock, choose, assign, undo; each for one line or those picked out. */

import { byId, h } from "../dom.js";
import { plural } from "../format.js";
import { complain, say } from "./announce.js";
import { isLost } from "./api.js";
import { plainly } from "./words.js";

/**
 * @import { ChangedLine, ChangedLines, ReviewLine, SpeakerRow } from "../../../types/api"
 * @import { EpisodeApi } from "./api.js"
 * @import { Review } from "./review.js"
 * @import { Saver } from "./saver.js"
 */

export class Commands {
  /**
   * @param {Review} review @param {EpisodeApi} api
   * @param {Saver} saver
   */
  constructor(review, api, saver) {
    this.review = review;
    this.api = api;
    this.saver = saver;
    /** Lines that the dialog is about. @type {string[]} */
    this.assigning = [];
    /** Whether a text is being chosen. */
    this.choosing = false;
    this.dialog = byId("assign", HTMLDialogElement);
    this.speaker = byId("assign-speaker", HTMLSelectElement);
    this.name = byId("assign-name", HTMLInputElement);
    byId("line-accept").addEventListener("click", () => this.accept([review.current]));
    byId("line-lock").addEventListener("click", () => this.toggleLock([review.current]));
    byId("undo").addEventListener("click", () => this.undo());
    byId("redo").addEventListener("click", () => this.redo());
    this.speaker.addEventListener("change", () => this.showNewPerson());
    this.dialog.addEventListener("close", () => this.assigned());
  }

  /**
   * Run a request that answers with changed lines; failures are said, never thrown.
   * @template {ChangedLine|ChangedLines} Answer
   * @param {() => Promise<Answer>} ask @param {string|((answer: Answer) => string)} said @param {(message: string, lost: boolean) => void} [failed]
   * @returns {Promise<boolean>} Whether it was done.
   */
  async run(ask, said, failed = complain) {
    try {
      await this.saver.idle();
      const answer = await ask();
      this.review.renew("lines" in answer ? answer.lines : [answer.line], answer.seen);
      say(typeof said === "function" ? said(answer) : said);
      this.review.tell("changed");
      return true;
    } catch (error) {
      failed(plainly(this.review, error.message), isLost(error));
      return false;
    }
  }

  /** @param {string[]} ids Accepts them, or takes it back when all are accepted already. */
  async accept(ids) {
    const lines = this.review.find(ids);
    const accepted = !lines.every((line) => line.accepted);
    if (accepted && lines.length > 1) await this.run(() => this.api.accept(ids), `${plural(lines.length, "line")} accepted.`);
    else await Promise.all(lines.filter((line) => line.accepted !== accepted).map((line) => this.saver.save(line.id, { accepted })));
  }

  /** @param {string[]} ids */
  toggleLock(ids) {
    return this.review.find(ids).every((line) => line.locked) ? this.unlock(ids) : this.lock(ids);
  }

  /** @param {string[]} ids */
  lock(ids) {
    return this.run(() => this.api.lock(ids), `${plural(ids.length, "line")} locked.`);
  }

  /** @param {string[]} ids */
  unlock(ids) {
    return this.run(() => this.api.unlock(ids), `${plural(ids.length, "line")} unlocked.`);
  }

  /** @param {string} take */
  choose(take) {
    return this.run(() => this.api.choose(this.review.current, take), `Take ${take} chosen. Render to hear it in the dub.`);
  }

  /** Give a line one of the texts that it may have; a press while another is under way does nothing. @param {ReviewLine} line @param {number} number */
  async chooseText(line, number) {
    if (this.choosing) return;
    this.choosing = true;
    const text = line.timing.texts.find((one) => one.number === number);
    const loses = text.losses.length ? ` It loses ${text.losses.join(", ")}.` : "";
    await this.run(
      () => this.api.chooseText(line.id, number, this.review.seen.get(line.id)),
      `Text ${number} of ${line.timing.texts.length}: ${text.seconds.toFixed(1)} s, spoken at ${text.pace.toFixed(2)}×.${loses} Render to hear it.`,
    );
    this.choosing = false;
    this.review.tell("leave");
  }

  /** @param {number|null} [number] @param {(message: string) => void} [failed] */
  undo(number = null, failed = complain) {
    return this.run(() => this.api.undo(number), (answer) => `Undone: ${plainly(this.review, answer.text) || "the last change"}`, failed);
  }

  redo() {
    return this.run(() => this.api.redo(), (answer) => `Done again: ${plainly(this.review, answer.text) || "the change"}`);
  }

  /** Ask which speaker lines belong to. @param {string[]} ids @param {boolean} [fresh] */
  assign(ids, fresh = false) {
    if (!ids.length) return;
    this.assigning = ids;
    /** @param {SpeakerRow} speaker */
    const option = (speaker) => h("option", { value: speaker.id }, speaker.name || speaker.id);
    this.speaker.replaceChildren(...this.review.speakers.map(option), h("option", { value: "" }, "New person…"));
    this.speaker.value = fresh ? "" : this.review.lines.get(ids[0])?.speaker ?? "";
    byId("assign-title").textContent = `Who speaks ${ids.length === 1 ? `line ${this.review.lines.get(ids[0])?.number}` : plural(ids.length, "line")}?`;
    this.name.value = "";
    this.showNewPerson();
    this.dialog.returnValue = "";
    this.dialog.showModal();
    if (fresh) this.name.focus();
  }

  showNewPerson() {
    const fresh = this.speaker.value === "";
    byId("assign-new").hidden = !fresh;
    this.name.required = fresh;
  }

  assigned() {
    if (this.dialog.returnValue !== "yes") return;
    const speaker = this.speaker.value;
    const name = speaker ? "" : this.name.value.trim();
    this.run(() => this.api.assign(this.assigning, speaker, name), `${plural(this.assigning.length, "line")} assigned.`);
  }

  /** @param {ReviewLine} line */
  showStates(line) {
    showPressed("line-accept", line.accepted, line.accepted ? "Accepted" : "Accept");
    showPressed("line-lock", line.locked, line.locked ? "Locked" : "Lock");
  }
}

/** @param {string} id Of a button @param {boolean} on @param {string} label */
function showPressed(id, on, label) {
  const button = byId(id);
  button.setAttribute("aria-pressed", String(on));
  button.querySelector("span").textContent = label;
}
