/** The takes of a line: hear each, compare one with the chosen one, choose. */

import { byId, first, h, icon } from "../dom.js";
import { clock } from "../format.js";
import { flagLabel, flagMeaning } from "./flags.js";
import { dubLanguage } from "./language.js";
import { loadMedia } from "./players.js";
import { chip } from "./row.js";

/**
 * @import { ShownTake } from "../../../types/api"
 * @import { Child } from "../dom.js"
 * @import { Commands } from "./commands.js"
 */

/** How a take got into the time of its line. @type {Record<string, string>} */
const FITS = { faster: "spoken faster to fit", borrowed: "uses some of the silence after it", cut: "cut short: its end is missing" };

/** What plays now; one at a time. @type {HTMLMediaElement[]} */
let playing = [];
/** Where its sound is. @type {string[]} */
let sounds = [];

export function stopTakes() {
  for (const media of playing) media.pause();
  playing = [];
  sounds = [];
  byId("compare").hidden = true;
}

/** Say something in place of takes. @param {"muted"|"bad"} kind @param {string} text */
export function showNoTakes(kind, text) {
  byId("takes-count").textContent = "";
  byId("takes").replaceChildren(h("li", { class: kind }, text));
}

/** @param {ShownTake[]} takes @param {Commands} commands @param {boolean} mayChoose */
export function showTakes(takes, commands, mayChoose) {
  if (!sounds.length || !sounds.every((sound) => takes.some((take) => take.sound === sound))) {
    stopTakes();
    byId("take-picture").replaceChildren();
    byId("take-status").textContent = "";
  }
  const list = byId("takes");
  const focused = first(list, ":focus")?.dataset.key;
  const several = new Set(takes.map((take) => take.clip)).size > 1;
  if (!takes.length) return showNoTakes("muted", "Not spoken yet. Regenerate the line, or render the episode.");
  byId("takes-count").textContent = `(${takes.length})`;
  list.replaceChildren(
    ...takes.flatMap((take, at) => {
      const begins = several && take.clip !== takes[at - 1]?.clip;
      return [begins && part(take, takes), entry(take, at, wantedOf(takes, take), commands, mayChoose)].filter(Boolean);
    }),
  );
  if (focused) focusAgain(list, focused);
}

/** A new list keeps the focus on the same button, else on the one that plays the same take. @param {HTMLElement} list @param {string} key */
function focusAgain(list, key) {
  const same = first(list, `[data-key="${key}"]:not(:disabled)`);
  const plays = first(list, `[data-key="play-${key.replace(/^\w+-/, "")}"]`);
  (same ?? plays ?? list.querySelector("button"))?.focus();
}

/** Heads the takes of one clip, where several make the line. @param {ShownTake} take @param {ShownTake[]} takes */
function part(take, takes) {
  if (!take.span) return h("li", { class: "take-part" }, "Of an earlier cut");
  const planned = [...new Set(takes.filter((one) => one.span).map((one) => one.clip))];
  const [start, end] = take.span;
  return h("li", { class: "take-part" }, `Clip ${planned.indexOf(take.clip) + 1} of ${planned.length}, ${clock(start)} – ${clock(end)}`);
}

/**
 * The take of the next dub, of the same clip as `take`: the one a person chose, else the one in use.
 * @param {ShownTake[]} takes @param {ShownTake} take
 */
function wantedOf(takes, take) {
  const same = takes.filter((one) => one.clip === take.clip);
  return same.find((one) => one.chosen) ?? same.find((one) => one.in_use);
}

/** @param {ShownTake} take @param {number} at @param {ShownTake|undefined} wanted @param {Commands} commands @param {boolean} mayChoose */
function entry(take, at, wanted, commands, mayChoose) {
  /** @param {string} key @param {string} label @param {() => void} act @param {...Child} children */
  const button = (key, label, act, ...children) =>
    h("button", { type: "button", class: "btn little", "aria-label": `${label} ${take.take}`, data: { key: `${key}-${take.take}` }, on: { click: act } }, ...children);
  const choose = !take.chosen && mayChoose && button("choose", "Choose take", () => commands.choose(take.take), "Choose");
  const compares = wanted && take !== wanted && take.sound && wanted.sound;
  return h(
    "li",
    { class: take === wanted ? "take chosen" : "take" },
    h("kbd", { title: "Key that chooses it" }, at < 9 ? String(at + 1) : ""),
    h("div", { class: "take-what" }, h("b", {}, take.take), h("span", { class: "muted" }, facts(take)), text(take, wanted), ...take.flags.map((flag) => chip(flagLabel(flag), flagMeaning(flag), "flag"))),
    h(
      "div",
      { class: "take-acts" },
      take.sound && button("play", "Play take", () => hear(take), icon("play"), "Play"),
      compares && button("compare", `Compare with ${wanted.take} take`, () => compare(wanted, take), "A/B"),
      choose,
      ...states(take, take === wanted),
    ),
  );
}

/** @param {ShownTake} take @param {boolean} wanted */
function states(take, wanted) {
  const found = [];
  if (take.chosen) found.push(chip("Chosen", "Chosen by hand: it stays whatever changes", "good", "check"));
  if (take.chosen && !take.in_use) found.push(chip("Heard after a render", "Until then the dub has another take", "measure"));
  if (take.in_use && !take.chosen) found.push(chip(wanted ? "In use" : "In use until a render", "The last run used this take", wanted ? "good" : "measure", wanted ? "check" : ""));
  return found;
}

/** A take of another text says which. @param {ShownTake} take @param {ShownTake|undefined} wanted */
function text(take, wanted) {
  return take.text && wanted && take.text !== wanted.text ? h("q", { dir: "auto", lang: dubLanguage() }, take.text) : null;
}

/** @param {ShownTake} take */
function facts(take) {
  const recorded = take.engine === "recording";
  const parts = [recorded ? "recorded" : take.engine, take.voice, take.seed === null ? "" : `seed ${take.seed}`, `${take.seconds.toFixed(2)} s`];
  if (take.speed && Math.abs(take.speed - 1) >= 0.01) parts.push(`${take.speed.toFixed(2)}×`);
  if (FITS[take.fit] && (take.fit !== "faster" || take.speed >= 1.05)) parts.push(FITS[take.fit]);
  return parts.filter(Boolean).join(" · ");
}

/** @param {ShownTake} take */
function hear(take) {
  begin([take]);
  restart(playing);
}

/** Makes players of takes, the picture's where all of them have one. @param {ShownTake[]} takes */
function begin(takes) {
  stopTakes();
  dispatchEvent(new CustomEvent("take-plays"));
  const seen = takes.every((take) => take.picture);
  const status = byId("take-status");
  status.textContent = "";
  sounds = takes.map((take) => take.sound);
  playing = takes.map((take) => {
    const media = h(seen ? "video" : "audio", { playsinline: true, preload: "auto" });
    loadMedia(media, seen ? take.picture : take.sound, status, "This take no longer exists.");
    return media;
  });
  byId("take-picture").replaceChildren(...(seen ? playing : []));
}

/** Play two takes in step and switch between them. @param {ShownTake} first @param {ShownTake} second */
function compare(first, second) {
  begin([first, second]);
  const media = playing;
  const [a, b] = [byId("compare-a"), byId("compare-b")];
  /** @param {0|1} at */
  const pick = (at) => {
    media.forEach((one, index) => (one.muted = index !== at));
    a.setAttribute("aria-pressed", String(at === 0));
    b.setAttribute("aria-pressed", String(at === 1));
    byId("compare-status").textContent = `Heard: ${at ? second.take : first.take}`;
    if (media.every((one) => one.paused)) restart(media);
  };
  a.textContent = `A ${first.take}`;
  b.textContent = `B ${second.take}`;
  a.onclick = () => pick(0);
  b.onclick = () => pick(1);
  byId("compare-again").onclick = () => restart(media);
  byId("compare").hidden = false;
  pick(1);
  b.focus();
}

/** Begins when all can play, so that they stay in step. @param {HTMLMediaElement[]} media */
async function restart(media) {
  await Promise.all(media.map(ready));
  if (playing !== media) return;
  for (const one of media) one.currentTime = 0;
  try {
    await Promise.all(media.map((one) => one.play()));
  } catch (error) {
    // Paused again before it began, or the browser wants a click that is not so long ago.
    if (playing === media && error.name === "NotAllowedError") byId("take-status").textContent = "It is ready: press the button again.";
  }
}

/** @param {HTMLMediaElement} media @returns {Promise<void>} */
function ready(media) {
  if (media.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA) return Promise.resolve();
  return new Promise((done) => media.addEventListener("canplay", () => done(), { once: true }));
}
