/** What a person does to lines: accept, lock, choose, assign, undo; each for one line or those picked out. */

import { byId, counted, h } from "./dom.js";
import { complain, say } from "./announce.js";

export class Commands {
  /**
   * @param {import("./review.js").Review} review @param {import("./api.js").EpisodeApi} api
   * @param {import("./saver.js").Saver} saver
   */
  constructor(review, api, saver) {
    Object.assign(this, { review, api, saver });
    byId("line-accept").addEventListener("click", () => this.accept([review.current]));
    byId("line-lock").addEventListener("click", () => this.toggleLock([review.current]));
    byId("undo").addEventListener("click", () => this.undo());
    byId("redo").addEventListener("click", () => this.redo());
    byId("assign-speaker").addEventListener("change", () => this.showNewPerson());
    byId("assign").addEventListener("close", () => this.assigned());
  }

  /** Run a request that answers with changed lines; failures are said, never thrown. */
  async run(ask, said, failed = complain) {
    try {
      await this.saver.idle();
      const answer = await ask();
      this.review.renew(answer.lines ?? [answer.line], answer.seen);
      say(typeof said === "function" ? said(answer) : said);
      this.review.tell("changed");
      return true;
    } catch (error) {
      failed(error.message);
      return false;
    }
  }

  /** @param {string[]} ids Accepts them, or takes it back when all are accepted already. */
  async accept(ids) {
    const lines = ids.map((id) => this.review.lines.get(id)).filter(Boolean);
    const accepted = !lines.every((line) => line.accepted);
    if (accepted && lines.length > 1) return this.run(() => this.api.accept(ids), `${counted(lines.length, "line")} accepted.`);
    await Promise.all(lines.filter((line) => line.accepted !== accepted).map((line) => this.saver.save(line.id, { accepted })));
  }

  /** @param {string[]} ids */
  toggleLock(ids) {
    const lines = ids.map((id) => this.review.lines.get(id)).filter(Boolean);
    return lines.every((line) => line.locked) ? this.unlock(ids) : this.lock(ids);
  }

  lock(ids) {
    return this.run(() => this.api.lock(ids), `${counted(ids.length, "line")} locked.`);
  }

  unlock(ids) {
    return this.run(() => this.api.unlock(ids), `${counted(ids.length, "line")} unlocked.`);
  }

  /** @param {string} take */
  choose(take) {
    return this.run(() => this.api.choose(this.review.current, take), `Take ${take} chosen. Render to hear it in the dub.`);
  }

  /** @param {number|null} [number] @param {(message: string) => void} [failed] */
  undo(number = null, failed = complain) {
    return this.run(() => this.api.undo(number), (answer) => `Undone: ${answer.text || "the last change"}`, failed);
  }

  redo() {
    return this.run(() => this.api.redo(), (answer) => `Done again: ${answer.text || "the change"}`);
  }

  /** Ask which speaker lines belong to. @param {string[]} ids @param {boolean} [fresh] */
  assign(ids, fresh = false) {
    if (!ids.length) return;
    this.assigning = ids;
    const option = (speaker) => h("option", { value: speaker.id }, speaker.name || speaker.id);
    byId("assign-speaker").replaceChildren(...this.review.speakers.map(option), h("option", { value: "" }, "New person…"));
    byId("assign-speaker").value = fresh ? "" : this.review.lines.get(ids[0])?.speaker ?? "";
    byId("assign-title").textContent = `Who speaks ${ids.length === 1 ? `line ${this.review.lines.get(ids[0])?.number}` : counted(ids.length, "line")}?`;
    byId("assign-name").value = "";
    this.showNewPerson();
    const dialog = byId("assign");
    dialog.returnValue = "";
    dialog.showModal();
    if (fresh) byId("assign-name").focus();
  }

  showNewPerson() {
    const fresh = byId("assign-speaker").value === "";
    byId("assign-new").hidden = !fresh;
    byId("assign-name").required = fresh;
  }

  assigned() {
    if (byId("assign").returnValue !== "yes") return;
    const speaker = byId("assign-speaker").value;
    const name = speaker ? "" : byId("assign-name").value.trim();
    this.run(() => this.api.assign(this.assigning, speaker, name), `${counted(this.assigning.length, "line")} assigned.`);
  }

  /** @param {import("./review.js").Line} line */
  showStates(line) {
    for (const [id, on, yes, no] of [
      ["line-accept", line.accepted, "Accepted", "Accept"],
      ["line-lock", line.locked, "Locked", "Lock"],
    ]) {
      byId(id).setAttribute("aria-pressed", String(on));
      byId(id).querySelector("span").textContent = on ? yes : no;
    }
  }
}
