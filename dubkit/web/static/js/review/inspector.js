/** Everything about the current line: its fields, candidates, takes, and why it is as it is. */

import { debounce } from "../debounce.js";
import { byId, closest, h } from "../dom.js";
import { clock, readClock } from "../format.js";
import { complain, say } from "./announce.js";
import { room } from "./edges.js";
import { ROUTES } from "./flags.js";
import { dubLanguage } from "./language.js";
import { chip, chips } from "./row.js";
import { showNoTakes, showTakes } from "./takes.js";
import { showTexts } from "./texts.js";
import { aboutVoice, noVoice, offer, voicesOf } from "../voices.js";
import { showWhy } from "./why.js";

/**
 * @import { Details, ReviewLine, SpeakerRow, Voices } from "../../../types/api"
 * @import { EpisodeApi, Fields } from "./api.js"
 * @import { Commands } from "./commands.js"
 * @import { Review } from "./review.js"
 * @import { Saver } from "./saver.js"
 * @typedef {"speaker"|"start"|"end"|"route"|"voice"|"delivery"|"note"} Name
 * @typedef {HTMLInputElement|HTMLSelectElement|HTMLTextAreaElement} Control
 */

/** Fields that are saved as they are typed into the panel. @type {Name[]} */
const FIELDS = ["speaker", "start", "end", "route", "voice", "delivery", "note"];
const NEW_PERSON = "+new";

/** The control of a field. @param {Name} name @returns {Control} */
const control = (name) => /** @type {Control} */ (byId(`field-${name}`));

/** @param {Name} name @returns {name is "start"|"end"} */
const isTime = (name) => name === "start" || name === "end";

/** What a control says for a value. @param {Name} name @param {Fields[Name]} value */
const shown = (name, value) => (isTime(name) ? clock(Number(value), 3) : String(value));

/** Seconds that a control says. @param {string} text */
const seconds = (text) => readClock(text, Number(byId("review").dataset.frame));

export class Inspector {
  /**
   * @param {Review} review @param {Saver} saver
   * @param {EpisodeApi} api @param {Commands} commands
   */
  constructor(review, saver, api, commands) {
    this.review = review;
    this.saver = saver;
    this.api = api;
    this.commands = commands;
    this.panel = byId("inspector");
    /** Answer of the server for the line shown. @type {Details|null} */
    this.details = null;
    /** Voices that the line may have; null until they are known. @type {Voices|null} */
    this.voices = null;
    control("voice").addEventListener("focus", () => this.offerVoices());
    for (const [route, name] of Object.entries(ROUTES)) byId("field-route").append(h("option", { value: route }, name));
    for (const name of FIELDS) this.wire(name, control(name));
    const fetchSoon = debounce(() => this.fetch(), 120);
    review.when("lines", () => (this.show(), fetchSoon()));
    review.when("current", () => (this.show(), fetchSoon()));
    review.when("speakers", () => this.fillSpeakers());
    review.when("line", (id) => id === review.current && (this.show(), fetchSoon()));
    review.when("dragging", ({ id, start, end }) => id === review.current && this.showEdges(start, end));
    byId("candidates").addEventListener("click", (event) => this.useCandidate(event));
    byId("open-inspector").addEventListener("click", () => this.open());
    byId("close-inspector").addEventListener("click", () => this.close());
    addEventListener("beforeunload", (event) => {
      if (this.unsaved) event.preventDefault();
    });
  }

  /** @param {Name} name @param {Control} field */
  wire(name, field) {
    field.addEventListener("change", () => this.store(name, field));
    /** @type {HTMLElement} */ (field).addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey || field.tagName === "INPUT")) field.dispatchEvent(new Event("change"));
      else if (event.key !== "Escape") return;
      else this.restore(name, field);
      event.preventDefault();
      event.stopPropagation();
      this.review.tell("leave");
    });
    // A field may be left by choosing another line; what it holds belongs to the line it was entered for.
    field.addEventListener("focus", () => {
      if (field.dataset.line === this.review.current) return;
      this.leave(name, field);
      field.dataset.line = this.review.current;
      this.saver.hold(this.review.current, name);
    });
    field.addEventListener("blur", () => this.differs(name, field) || this.restore(name, field));
  }

  /** The field belongs to the current line again. @param {Name} name @param {Control} field */
  leave(name, field) {
    const id = field.dataset.line;
    delete field.dataset.line;
    if (id) this.saver.release(id, name);
  }

  /** Whether a field that was opened holds what is not handed on to be saved. @param {Name} name @param {Control} field */
  differs(name, field) {
    const id = field.dataset.line;
    if (!id) return false;
    const value = this.saver.value(id, name);
    return field.value.trim() !== shown(name, value).trim();
  }

  get unsaved() {
    return FIELDS.some((name) => this.differs(name, control(name)));
  }

  /** @param {Name} name @param {Control} field */
  store(name, field) {
    const id = field.dataset.line || this.review.current;
    if (name === "speaker" && field.value === NEW_PERSON) {
      this.restore(name, field);
      return void this.commands.assign([id], true);
    }
    const before = this.saver.value(id, name);
    if (field.value.trim() === shown(name, before).trim()) return;
    const value = isTime(name) ? seconds(field.value) : field.value.trim();
    if (Number.isNaN(value)) {
      say(`“${field.value}” is no time. Write 11:38.6, or seconds: 698.6.`);
      return this.restore(name, field);
    }
    if (value === before) return this.restore(name, field);
    const refused = name === "voice" ? noVoice(this.voices, String(value)) : "";
    if (refused) return void complain(refused), this.restore(name, field);
    if (typeof value === "number" && !this.edgesStand(id, name, value)) return;
    this.saver.save(id, { [name]: value });
  }

  async offerVoices() {
    this.voices = await voicesOf(this.api.root);
    if (this.voices) offer(byId("voices"), this.voices);
    this.showVoice();
  }

  showVoice() {
    byId("voice-about").textContent = aboutVoice(this.voices, this.saver.value(this.review.current, "voice"));
  }

  /** A start must come before its end. @param {string} id @param {Name} name @param {number} value Seconds */
  edgesStand(id, name, value) {
    const start = name === "start" ? value : this.saver.value(id, "start");
    const end = name === "end" ? value : this.saver.value(id, "end");
    const stands = Number.isFinite(value) && start >= 0 && start < end && (!this.review.duration || end <= this.review.duration + 0.01);
    const field = control(name);
    field.setCustomValidity(stands ? "" : "The start must come before the end, both within the episode.");
    field.reportValidity();
    return stands;
  }

  /** Where an edge may go: not over its neighbours. @param {ReviewLine} line @param {"start"|"end"} edge @param {number} to Seconds */
  within(line, edge, to) {
    const [from, until] = room(this.review, line);
    return edge === "start" ? Math.max(to, from) : Math.min(to, until);
  }

  /** The control says again what the line has. @param {Name} name @param {Control} field */
  restore(name, field) {
    if (document.activeElement !== field || field.dataset.line !== this.review.current) this.leave(name, field);
    field.value = shown(name, this.saver.value(this.review.current, name));
    field.setCustomValidity("");
  }

  fillSpeakers() {
    const speakers = byId("field-speaker", HTMLSelectElement);
    /** @param {SpeakerRow} speaker */
    const option = (speaker) => h("option", { value: speaker.id }, speaker.name || speaker.id);
    speakers.replaceChildren(...this.review.speakers.map(option), h("option", { value: NEW_PERSON }, "New person…"));
    if (this.review.line) speakers.value = this.saver.value(this.review.current, "speaker");
  }

  show() {
    const line = this.review.line;
    this.panel.classList.toggle("nothing", !line);
    if (!line) return;
    if (byId("field-speaker", HTMLSelectElement).options.length < this.review.speakers.length + 1) this.fillSpeakers();
    byId("line-title").textContent = `Line ${line.number}`;
    byId("line-times").textContent = `${clock(line.start, 2)} – ${clock(line.end, 2)} · ${(line.end - line.start).toFixed(2)} s`;
    byId("line-chips").replaceChildren(...chips(line), ...(line.edited.length ? [chip("Edited", `Changed by hand: ${line.edited.join(", ")}`, "state")] : []));
    byId("line-conflict").textContent = line.conflict ? `Since it was locked, ${line.conflict}. Unlock it to take the change over, or leave it as it is.` : "";
    byId("line-source").textContent = line.source;
    byId("line-heard").textContent = line.heard;
    byId("heard").hidden = !line.heard;
    byId("route-reason").textContent = line.reason;
    byId("line-picture").hidden = line.route !== "drive";
    for (const name of FIELDS) {
      const field = control(name);
      const opened = document.activeElement === field && field.dataset.line === line.id;
      if (!opened) this.restore(name, field);
      field.disabled = !this.review.canEdit || (line.locked && name !== "note");
    }
    this.showVoice();
    this.showCandidates(line);
    showTexts(line, this.commands, this.review.canEdit && !line.locked);
    this.commands.showStates(line);
    if (this.details?.line.id !== line.id) this.blank();
  }

  /** @param {number} start Seconds @param {number} end Seconds */
  showEdges(start, end) {
    control("start").value = shown("start", start);
    control("end").value = shown("end", end);
  }

  /** @param {ReviewLine} line */
  showCandidates(line) {
    const others = line.candidates.filter((text) => text !== line.text && !line.timing.texts.some((own) => own.text === text));
    byId("candidates-block").hidden = !others.length;
    /** @param {string} text */
    const entry = (text) =>
      h("li", {}, h("span", { dir: "auto", lang: dubLanguage() }, text), this.review.canEdit && !line.locked && h("button", { type: "button", class: "btn little", "aria-label": `Use: ${text}`, data: { text } }, "Use"));
    byId("candidates").replaceChildren(...others.map(entry));
  }

  /** @param {Event} event */
  useCandidate(event) {
    const text = closest(event.target, "button")?.dataset.text;
    if (text === undefined) return;
    this.saver.save(this.review.current, { text });
    this.review.tell("leave");
  }

  blank() {
    this.details = null;
    showNoTakes("muted", "Loading…");
    byId("why").replaceChildren();
  }

  async fetch() {
    const id = this.review.current;
    if (!id) return;
    try {
      const details = await this.api.line(id);
      if (this.review.current !== id) return;
      this.details = details;
      showTakes(details.takes, this.commands, this.review.canEdit && !details.line.locked);
      showWhy(details.why, this.review);
    } catch (error) {
      if (this.review.current === id) showNoTakes("bad", error.message);
    }
  }

  /** On a narrow screen the panel lies over the list. */
  open() {
    this.panel.classList.add("open");
    byId("close-inspector").focus();
  }

  close() {
    this.panel.classList.remove("open");
    this.review.tell("leave");
  }

  focus() {
    this.panel.classList.add("open");
    control("speaker").focus();
  }
}
