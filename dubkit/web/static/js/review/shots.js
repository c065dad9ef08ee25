/** The strip of shots: a picture for each, loaded when it comes into view. */

import { byId, h } from "../dom.js";
import { clock } from "../format.js";
import { request } from "./api.js";

/**
 * @import { ShotImage } from "../../../types/api"
 * @import { Players } from "./players.js"
 */

/** @param {string} url @param {Players} players */
export async function showShots(url, players) {
  const strip = byId("shots");
  /** @type {ShotImage[]} */
  const shots = await request("GET", url).catch(() => /** @type {ShotImage[]} */ ([]));
  if (!shots.length) {
    strip.hidden = true;
    return;
  }
  strip.replaceChildren(...shots.map((shot, at) => picture(shot, at, players)));
  players.addEventListener("time", () => mark(strip, shots, players.time));
  mark(strip, shots, players.time);
}

/** @param {ShotImage} shot @param {number} at @param {Players} players */
function picture(shot, at, players) {
  const image = shot.image && h("img", { src: shot.image, alt: "", loading: "lazy", decoding: "async", width: "112", height: "63" });
  const label = `Shot ${at + 1}, ${clock(shot.start)} to ${clock(shot.end)}`;
  const button = h("button", { type: "button", class: "shot", "aria-label": label, title: label, tabindex: at ? "-1" : "0" }, image || h("span", { class: "no-picture" }), h("span", {}, clock(shot.start)));
  button.addEventListener("click", () => players.seek(shot.start));
  button.addEventListener("keydown", (event) => step(event, button));
  return h("li", {}, button);
}

/** Arrow keys go along the strip. @param {KeyboardEvent} event @param {HTMLButtonElement} button */
function step(event, button) {
  const item = button.parentElement;
  const next = event.key === "ArrowRight" ? item.nextElementSibling : event.key === "ArrowLeft" ? item.previousElementSibling : null;
  const target = next?.querySelector("button");
  if (!target) return;
  event.preventDefault();
  event.stopPropagation();
  button.tabIndex = -1;
  target.tabIndex = 0;
  target.focus();
}

let marked = -1;

/** Mark the shot that is seen. @param {HTMLElement} strip @param {ShotImage[]} shots @param {number} time Seconds */
function mark(strip, shots, time) {
  const at = shots.findLastIndex((shot) => shot.start <= time + 0.001);
  if (at === marked) return;
  strip.children[marked]?.classList.remove("now");
  const item = /** @type {HTMLElement|undefined} */ (strip.children[at]);
  item?.classList.add("now");
  marked = at;
  if (item) strip.scrollTo({ left: item.offsetLeft - strip.clientWidth / 2 + item.clientWidth / 2 });
}
