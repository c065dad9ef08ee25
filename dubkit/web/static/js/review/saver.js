/** Sends changes of lines, one after another for each line, and keeps what was typed until it is saved. */

import { complain, say } from "./announce.js";
import { isLost, namesOf, onReach } from "./api.js";
import { settleConflict } from "./conflict.js";
import { plainly } from "./words.js";

/**
 * @import { ChangedLine, ReviewLine } from "../../../types/api"
 * @import { EpisodeApi, Fields } from "./api.js"
 * @import { Review } from "./review.js"
 * @import { Refused } from "../http.js"
 * @typedef {{seen: number, value: unknown}} Base What a field was, and the last change known, when its editing began.
 */

const LOGGED_OUT = "You are no longer logged in. Log in in another tab, then press Try again.";

/** @param {string} id @param {string} name */
const place = (id, name) => `${id} ${name}`;

export class Saver {
  /** @param {EpisodeApi} api @param {Review} review */
  constructor(api, review) {
    this.api = api;
    this.review = review;
    /** What is typed and not saved yet, by line. @type {Map<string, Fields>} */
    this.drafts = new Map();
    /** What drafts and open fields are based on, by place. @type {Map<string, Base>} */
    this.bases = new Map();
    /** Places of the fields that are open. @type {Set<string>} */
    this.held = new Set();
    /** @type {Map<string, Promise<void>>} */
    this.queues = new Map();
    /** Lines that could not be sent because the server was gone. @type {Set<string>} */
    this.lost = new Set();
    this.shelf = `dubkit-drafts ${document.body.dataset.person} ${api.root}`;
    onReach((reached) => reached && this.resend());
    addEventListener("beforeunload", (event) => {
      if (this.drafts.size) event.preventDefault();
    });
  }

  /** Send again what was typed while the server was gone. */
  resend() {
    const ids = [...this.lost];
    this.lost.clear();
    for (const id of ids) this.retry(id);
  }

  /** Keep what is not saved in the tab's own storage, so that a reload does not lose it. */
  keep() {
    /** @param {[string, Fields]} draft */
    const entry = ([id, fields]) => ({ id, fields, bases: Object.fromEntries(namesOf(fields).map((name) => [name, this.bases.get(place(id, name))])) });
    try {
      if (this.drafts.size) sessionStorage.setItem(this.shelf, JSON.stringify([...this.drafts].map(entry)));
      else sessionStorage.removeItem(this.shelf);
    } catch {
      // Without storage the page alone keeps it, and warns before it is left.
    }
  }

  /** Send what an earlier visit of this tab could not save. */
  restore() {
    /** @type {{id: string, fields: Fields, bases: Record<string, Base>}[]} */
    let kept = [];
    try {
      kept = JSON.parse(sessionStorage.getItem(this.shelf) || "[]");
    } catch {
      return;
    }
    for (const { id, fields, bases } of kept) {
      if (!this.review.canEdit) continue;
      if (!this.review.lines.has(id)) {
        complain(`A line that you changed is no longer here. You had typed: ${Object.values(fields).map((value) => `“${value}”`).join(", ")}`);
        continue;
      }
      for (const [name, base] of Object.entries(bases)) if (base) this.bases.set(place(id, name), base);
      this.save(id, fields);
    }
  }

  /** @param {string} id @returns {string} The text of a line as the person sees it. */
  text(id) {
    return this.value(id, "text");
  }

  /**
   * A field of a line as the person sees it; "" where there is no such line.
   * @template {keyof Fields} Name
   * @param {string} id @param {Name} field
   * @returns {Fields[Name]}
   */
  value(id, field) {
    const draft = this.drafts.get(id);
    if (draft && field in draft) return draft[field];
    const base = this.bases.get(place(id, field));
    return /** @type {any} */ ((base ? base.value : this.review.lines.get(id)?.[field]) ?? "");
  }

  /** A field is opened: what it is based on stays so, whatever becomes of the line meanwhile. @param {string} id @param {keyof Fields} name */
  hold(id, name) {
    this.held.add(place(id, name));
    this.begin(id, name);
  }

  /** A field is closed. @param {string} id @param {keyof Fields} name */
  release(id, name) {
    this.held.delete(place(id, name));
    if (!(name in (this.drafts.get(id) ?? {}))) this.bases.delete(place(id, name));
    this.review.tell("released");
  }

  /** @param {string} id @param {keyof Fields} name */
  begin(id, name) {
    const key = place(id, name);
    if (!this.bases.has(key)) this.bases.set(key, { seen: this.review.seen.get(id), value: this.review.lines.get(id)?.[name] });
  }

  /**
   * What stays open or unsaved of some fields is based on the line as it is now.
   * @param {string} id @param {Fields} fields @param {ReviewLine} line @param {number} seen
   */
  rebase(id, fields, line, seen) {
    const draft = this.drafts.get(id) ?? {};
    for (const name of namesOf(fields)) {
      const key = place(id, name);
      if (name in draft || this.held.has(key)) this.bases.set(key, { seen, value: line[name] });
      else this.bases.delete(key);
    }
  }

  /**
   * Save fields of a line. Never rejects: a failure is shown at the line, and its fields stay.
   * @param {string} id @param {Fields} fields
   * @returns {Promise<void>}
   */
  save(id, fields) {
    for (const name of namesOf(fields)) this.begin(id, name);
    this.drafts.set(id, { ...this.drafts.get(id), ...fields });
    this.keep();
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

  /** @param {string} id @param {Fields} fields @param {boolean} again Whether this is the second try. */
  async send(id, fields, again = false) {
    const seen = Math.min(...namesOf(fields).map((name) => this.bases.get(place(id, name))?.seen ?? this.review.seen.get(id)));
    try {
      const answer = await this.api.change(id, { ...fields, seen });
      this.landed(id, fields, answer);
    } catch (error) {
      await this.missed(id, fields, error, again);
    }
  }

  /** @param {string} id @param {Fields} fields @param {ChangedLine} answer */
  landed(id, fields, answer) {
    this.forget(id, fields);
    this.rebase(id, fields, answer.line, answer.seen);
    this.markSettled(id);
    this.review.renew([answer.line], answer.seen);
    say(`Line ${answer.line.number} saved.`);
    this.review.tell("changed");
  }

  /** @param {string} id */
  markSettled(id) {
    this.review.mark(id, this.drafts.has(id) ? { state: "failed", message: "" } : { state: "saved" });
  }

  /** Drop the part of a draft that has arrived; what was typed since stays. @param {string} id @param {Fields} fields */
  forget(id, fields) {
    const draft = { ...this.drafts.get(id) };
    for (const name of namesOf(fields)) if (draft[name] === fields[name]) delete draft[name];
    if (Object.keys(draft).length) this.drafts.set(id, draft);
    else this.drafts.delete(id);
    this.keep();
  }

  /** @param {string} id @param {Fields} fields @param {Refused} error @param {boolean} again */
  async missed(id, fields, error, again) {
    const message = error.status === 401 ? LOGGED_OUT : plainly(this.review, error.message);
    if (isLost(error)) this.lost.add(id);
    if (error.status === 422 && "voice" in fields) return this.giveUp(id, fields, message);
    this.review.mark(id, { state: "failed", message });
    if (error.status === 409 && (await this.resolve(id, fields, message, again))) return;
    const number = this.review.lines.get(id)?.number ?? "";
    complain(`Line ${number} is not saved: ${message} What you typed is kept.`, isLost(error));
  }

  /** The server will never take it: the line is again as it was. @param {string} id @param {Fields} fields @param {string} message */
  giveUp(id, fields, message) {
    this.forget(id, fields);
    for (const name of namesOf(fields)) if (!this.held.has(place(id, name))) this.bases.delete(place(id, name));
    this.markSettled(id);
    this.review.savings.delete(id);
    this.review.tell("line", id);
    complain(message);
  }

  /**
   * Let the person choose between two changes; what nobody else has changed is sent once more.
   * @param {string} id @param {Fields} fields @param {string} message @param {boolean} again
   * @returns {Promise<boolean>} False when it is still not saved, and there is nothing to choose.
   */
  async resolve(id, fields, message, again) {
    const now = await this.api.lineNow(id).catch(() => /** @type {Awaited<ReturnType<EpisodeApi["lineNow"]>>} */ (null));
    if (!now) return false;
    const { line, seen } = now;
    /** @param {keyof Fields} name */
    const differs = (name) => line[name] !== fields[name] && line[name] !== this.bases.get(place(id, name))?.value;
    const disputed = namesOf(fields).some(differs);
    if (!disputed && again) return false;
    const choice = disputed ? await settleConflict(line, fields, message) : "mine";
    if (!choice) return true;
    if (choice === "theirs") this.forget(id, fields);
    this.rebase(id, fields, line, seen);
    this.review.renew([line], seen);
    if (choice === "mine") await this.send(id, fields, true);
    else {
      this.markSettled(id);
      say(`Line ${line.number} is as the other person left it.`);
    }
    return true;
  }
}
