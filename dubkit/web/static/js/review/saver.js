/** Sends changes of lines, one after another for each line, and keeps what was typed until it is saved. */

import { complain, say } from "./announce.js";
import { settleConflict } from "./conflict.js";

/** @typedef {import("./review.js").Line} Line */

export class Saver {
  /** @param {import("./api.js").EpisodeApi} api @param {import("./review.js").Review} review */
  constructor(api, review) {
    this.api = api;
    this.review = review;
    /** What is typed and not saved yet, by line. @type {Map<string, Partial<Line>>} */
    this.drafts = new Map();
    /** @type {Map<string, Promise<void>>} */
    this.queues = new Map();
    addEventListener("beforeunload", (event) => {
      if (this.drafts.size) event.preventDefault();
    });
  }

  /** @param {string} id @returns {string} The text of a line as the person sees it. */
  text(id) {
    return this.value(id, "text");
  }

  /** @param {string} id @param {keyof Line} field */
  value(id, field) {
    const draft = this.drafts.get(id);
    return draft && field in draft ? draft[field] : this.review.lines.get(id)?.[field] ?? "";
  }

  /**
   * Save fields of a line. Never rejects: a failure is shown at the line, and its fields stay.
   * @param {string} id @param {Partial<Line>} fields
   * @returns {Promise<void>}
   */
  save(id, fields) {
    this.drafts.set(id, { ...this.drafts.get(id), ...fields });
    this.review.mark(id, { state: "saving" });
    const turn = (this.queues.get(id) ?? Promise.resolve()).then(() => this.send(id, fields));
    this.queues.set(id, turn);
    return turn;
  }

  /** Send again what could not be saved. @param {string} id */
  retry(id) {
    const draft = this.drafts.get(id);
    return draft ? this.save(id, draft) : Promise.resolve();
  }

  /** Wait until nothing is under way. */
  async idle() {
    await Promise.all(this.queues.values());
  }

  async send(id, fields, force = false) {
    const seen = force ? {} : { seen: this.review.seen.get(id) };
    try {
      const answer = await this.api.change(id, { ...fields, ...seen });
      this.landed(id, fields, answer);
    } catch (error) {
      await this.missed(id, fields, error);
    }
  }

  landed(id, fields, answer) {
    this.forget(id, fields);
    this.review.mark(id, this.drafts.has(id) ? { state: "failed", message: "" } : { state: "saved" });
    this.review.renew([answer.line], answer.seen);
    say(`Line ${answer.line.number} saved.`);
    this.review.tell("changed", id);
  }

  /** Drop the part of a draft that has arrived; what was typed since stays. */
  forget(id, fields) {
    const draft = { ...this.drafts.get(id) };
    for (const [name, value] of Object.entries(fields)) if (draft[name] === value) delete draft[name];
    if (Object.keys(draft).length) this.drafts.set(id, draft);
    else this.drafts.delete(id);
  }

  async missed(id, fields, error) {
    const { message } = error;
    this.review.mark(id, { state: "failed", message });
    if (error.status === 409 && (await this.resolve(id, fields, message))) return;
    const number = this.review.lines.get(id)?.number ?? "";
    complain(`Line ${number} is not saved: ${message} What you typed is kept.`);
  }

  /** Let the person choose between two changes. @returns {Promise<boolean>} False when nobody else changed it. */
  async resolve(id, fields, message) {
    const now = await this.api.line(id).catch(() => null);
    const before = this.review.lines.get(id);
    if (!now || Object.keys(fields).every((name) => now.line[name] === before[name])) return false;
    const choice = await settleConflict(before, fields, now.line, message);
    if (choice === "mine") await this.send(id, fields, true);
    if (choice === "theirs") {
      this.forget(id, fields);
      this.review.mark(id, { state: "saved" });
      this.review.renew([now.line], now.seen);
      say(`Line ${now.line.number} is as the other person left it.`);
    }
    return true;
  }
}
