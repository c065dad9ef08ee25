/** Music and singing of the source: a thin track below the waveform, and the same in words. */

import { byId, h } from "../dom.js";
import { clock, plural } from "../format.js";

/**
 * @import { SoundSpan } from "../../../types/api"
 * @import { Players } from "./players.js"
 * @import { Review } from "./review.js"
 */

/** @type {Record<string, string>} */
const KINDS = { music: "Music", singing: "Singing" };

/** @param {Review} review @param {Players} players */
export function wireSounds(review, players) {
  const track = byId("sounds");
  review.when("sounds", () => show(review.sounds, track, players));
  review.when("view", ([start, end]) => {
    track.style.setProperty("--from", String(start));
    track.style.setProperty("--shown", String(Math.max(end - start, 0.001)));
  });
}

/** @param {SoundSpan[]} sounds @param {HTMLElement} track @param {Players} players */
function show(sounds, track, players) {
  const some = sounds.length > 0;
  track.closest(".wave").classList.toggle("with-sounds", some);
  byId("open-sounds").hidden = !some;
  byId("open-sounds").setAttribute("aria-label", `Music and singing: ${plural(sounds.length, "passage")}`);
  track.replaceChildren(...sounds.map(bar));
  byId("sound-list").replaceChildren(...sounds.map((sound) => entry(sound, players)));
}

/** @param {SoundSpan} sound */
function bar(sound) {
  const drawn = h("span", { class: `sound is-${sound.kind}`, title: said(sound) });
  drawn.style.setProperty("--start", String(sound.start));
  drawn.style.setProperty("--end", String(sound.end));
  return drawn;
}

/** @param {SoundSpan} sound */
const said = ({ kind, start, end }) => `${KINDS[kind] ?? kind}, ${clock(start)} to ${clock(end)}`;

/** @param {SoundSpan} sound @param {Players} players */
function entry(sound, players) {
  const go = () => {
    byId("sounds-said").hidePopover();
    players.seek(sound.start);
  };
  return h("li", {}, h("button", { type: "button", on: { click: go } }, said(sound)));
}
