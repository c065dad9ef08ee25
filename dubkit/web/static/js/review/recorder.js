/** Record the current line with a microphone: count-in, the picture, hear it, keep it or not. */

import { byId, h } from "../dom.js";
import { clock } from "../format.js";
import { complain } from "./announce.js";
import { isLost } from "./api.js";
import { dubLanguage } from "./language.js";
import { Microphone, faultOf, wavOf } from "./microphone.js";
import { plainly } from "./words.js";

/**
 * @import { ReviewLine } from "../../../types/api"
 * @import { EpisodeApi } from "./api.js"
 * @import { Players } from "./players.js"
 * @import { Production } from "./production.js"
 * @import { Review } from "./review.js"
 * @typedef {"ready"|"counting"|"recording"|"recorded"|"sending"} State
 */

/** Beeps before a line, one second apart; where a fourth would be, the line begins. */
const COUNT = 3;
/** Seconds before the line from which on is recorded, so that no early word is lost. */
const EARLY = 0.5;
/** The most seconds that are recorded. */
const LONGEST = 120;
/** Peak from which a recording is distorted. */
const TOO_LOUD = 0.99;

/** Which buttons there are in which state. @type {Record<State, string[]>} */
const BUTTONS = {
  ready: ["close", "record"],
  counting: ["discard"],
  recording: ["discard", "record"],
  recorded: ["discard", "hear", "again", "keep"],
  sending: [],
};

/** End a sound before its address does: one that is still loading would fail. @param {HTMLAudioElement} media */
function release(media) {
  const address = media.src;
  media.pause();
  media.removeAttribute("src");
  media.load();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

export class Recorder {
  /** @param {Review} review @param {EpisodeApi} api @param {Players} players @param {Production} production */
  constructor(review, api, players, production) {
    this.review = review;
    this.api = api;
    this.players = players;
    this.production = production;
    this.dialog = byId("recorder", HTMLDialogElement);
    /** Whether there is a picture to record to. */
    this.seen = players.source.tagName === "VIDEO";
    this.picture = h("video", { playsinline: true, tabindex: "-1", "aria-label": "Picture of the line" });
    this.picture.muted = true;
    if (this.seen) byId("recorder-screen").append(this.picture);
    this.microphone = new Microphone((peak) => this.heard(peak));
    /** @type {ReviewLine|null} */
    this.line = null;
    /** @type {State} */
    this.state = "ready";
    /** @type {Blob|null} */
    this.wav = null;
    /** Second of the episode at which the recording begins. */
    this.at = 0;
    this.peak = 0;
    this.loudest = 0;
    /** @type {HTMLAudioElement|null} */
    this.playing = null;
    /** @type {number[]} */
    this.timers = [];
    byId("line-record").addEventListener("click", () => this.open());
    byId("recorder-record").addEventListener("click", () => (this.state === "recording" ? this.stop() : this.record()));
    byId("recorder-again").addEventListener("click", () => this.record());
    byId("recorder-hear").addEventListener("click", () => this.hear());
    byId("recorder-keep").addEventListener("click", () => this.keep());
    byId("recorder-discard").addEventListener("click", () => this.discard());
    byId("recorder-close").addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("keydown", (event) => this.pressed(event));
    this.dialog.addEventListener("close", () => this.closed());
    this.dialog.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
  }

  open() {
    const line = this.review.line;
    if (!line) return;
    if (line.locked) return complain(`Line ${line.number} is locked. Unlock it first.`);
    this.line = line;
    this.players.pause();
    byId("recorder-title").textContent = `Record line ${line.number}`;
    byId("recorder-source").textContent = `${line.speaker_name}, ${clock(line.start, 2)}, ${(line.end - line.start).toFixed(1)} s: ${line.source}`;
    const text = byId("recorder-text");
    text.textContent = line.text;
    text.lang = dubLanguage();
    if (this.seen) {
      this.picture.src = this.players.source.currentSrc || `${this.api.media}/source`;
      this.picture.currentTime = Math.max(0, line.start);
    }
    byId("recorder-fault").textContent = "";
    this.show("ready", "Record begins with three beeps. The microphone is opened when you press it (Space).");
    this.dialog.showModal();
  }

  /** @param {State} state @param {string} said */
  show(state, said) {
    this.state = state;
    byId("recorder-state").textContent = said;
    for (const name of ["close", "record", "discard", "hear", "again", "keep"]) byId(`recorder-${name}`).hidden = !BUTTONS[state].includes(name);
    byId("recorder-record").querySelector("span").textContent = state === "recording" ? "Stop" : "Record";
    const focus = { ready: "record", counting: "discard", recording: "record", recorded: "keep", sending: "" }[state];
    if (focus && this.dialog.open) byId(`recorder-${focus}`).focus();
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    if (event.key === "Escape" && this.state !== "ready") {
      event.preventDefault(); // a recording is not lost by a key that closes dialogs
      if (this.state === "counting" || this.state === "recording") this.discard();
      return;
    }
    if (event.key !== " " || event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    if (event.repeat) return;
    if (this.state === "recording") this.stop();
    else if (this.state === "ready") this.record();
    else if (this.state === "recorded") this.hear();
  }

  async record() {
    this.halt();
    byId("recorder-fault").textContent = "";
    try {
      await this.microphone.open();
    } catch (error) {
      byId("recorder-fault").textContent = faultOf(error);
      return this.show("ready", "Nothing was recorded.");
    }
    if (!this.dialog.open) return this.microphone.close();
    this.loudest = 0;
    this.wav = null;
    this.count();
  }

  /** Beeps, the picture from the first of them on, and the recording from shortly before the line. */
  count() {
    const begin = this.line.start - COUNT;
    const lead = Math.max(0, -begin);
    const now = this.microphone.now + 0.1;
    this.show("counting", "Listen to the beeps.");
    for (let beat = 0; beat < COUNT; beat += 1) {
      this.microphone.beep(now + beat, beat === COUNT - 1 ? 1320 : 880);
      this.later(beat + 0.1, () => (byId("recorder-count").textContent = String(COUNT - beat)));
    }
    this.startsAt = now + COUNT;
    this.later(0.1 + lead, () => this.play(Math.max(0, begin)));
    this.later(0.1 + COUNT - EARLY, () => this.begin());
    this.later(0.1 + COUNT, () => (byId("recorder-count").textContent = ""));
  }

  begin() {
    this.microphone.start();
    this.show("recording", "Recording. Stop with Space.");
    this.later(LONGEST, () => this.stop());
  }

  stop() {
    this.halt();
    const sound = this.microphone.stop();
    this.wav = wavOf(sound);
    this.at = Math.max(0, this.line.start + sound.begins - this.startsAt);
    const seconds = sound.samples.length / sound.rate;
    const loud = this.loudest >= TOO_LOUD ? " It is too loud: move back or turn the microphone down." : "";
    this.microphone.close();
    this.show("recorded", `${seconds.toFixed(1)} s recorded.${loud} Hear it with Space.`);
  }

  /** Hear the recording with the picture, from where it begins. */
  hear() {
    this.halt();
    const media = new Audio(URL.createObjectURL(this.wav));
    this.playing = media;
    media.addEventListener("ended", () => this.picture.pause());
    this.play(this.at);
    media.play().catch(() => (byId("recorder-state").textContent = "It is ready: press Hear again."));
  }

  async keep() {
    this.halt();
    this.show("sending", "Sending…");
    const timed = byId("recorder-timed", HTMLInputElement).checked;
    try {
      const answer = await this.api.record(this.line.id, this.wav, timed ? this.at : null);
      this.review.renew([answer.line], answer.seen);
      this.production.start("regenerate", async () => answer.job);
      this.wav = null;
      this.dialog.close();
    } catch (error) {
      byId("recorder-fault").textContent = plainly(this.review, error.message);
      this.show("recorded", isLost(error) ? "It is still here: try again when the server is back." : "It was not kept.");
    }
  }

  discard() {
    this.halt();
    this.microphone.close();
    this.wav = null;
    byId("recorder-count").textContent = "";
    this.show("ready", "Discarded.");
  }

  closed() {
    this.halt();
    this.microphone.close();
    this.wav = null;
    this.picture.removeAttribute("src");
    this.picture.load();
    this.review.tell("leave");
  }

  /** Stop what plays, and what was to come. */
  halt() {
    this.timers.forEach(clearTimeout);
    this.timers = [];
    this.picture.pause();
    if (this.playing) release(this.playing);
    this.playing = null;
  }

  /** @param {number} seconds Of the episode */
  play(seconds) {
    if (!this.seen) return;
    this.picture.currentTime = seconds;
    this.picture.play().catch(() => {}); // the recording goes on without the picture
  }

  /** @param {number} seconds @param {() => void} act */
  later(seconds, act) {
    this.timers.push(window.setTimeout(act, 1000 * seconds));
  }

  /** @param {number} peak */
  heard(peak) {
    this.peak = Math.max(peak, this.peak * 0.98);
    this.loudest = Math.max(this.loudest, peak);
    byId("recorder-level", HTMLMeterElement).value = this.peak;
  }
}
