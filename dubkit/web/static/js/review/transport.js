/** Buttons and marks around the players: play, time, which of the two is heard. */

import { byId, changeIcon } from "../dom.js";
import { clock } from "../format.js";

/**
 * @import { Players } from "./players.js"
 * @import { Review } from "./review.js"
 */

/** @param {Players} players @param {Review} review */
export function wireTransport(players, review) {
  const play = byId("play");
  play.addEventListener("click", () => players.toggle());
  byId("play-line").addEventListener("click", () => playLine(players, review));
  byId("hear-source").addEventListener("click", () => players.choose(players.source));
  byId("hear-dub").addEventListener("click", () => players.choose(players.dub));
  for (const media of [players.source, players.dub]) media.addEventListener("click", () => players.toggle());
  players.addEventListener("state", () => showState(players));
  players.addEventListener("time", () => showTime(players, review));
  players.addEventListener("state", () => showTime(players, review));
  review.when("lines", () => showTime(players, review));
  showState(players);
}

/** @param {Players} players @param {Review} review */
export function playLine(players, review) {
  const line = review.line;
  if (line) players.playSpan(line.start, Math.max(line.end, line.start + (line.spoken || 0)));
}

/** @param {Players} players */
function showState(players) {
  const playing = players.playing;
  byId("play").setAttribute("aria-label", playing ? "Pause" : "Play");
  changeIcon(byId("play"), playing ? "pause" : "play");
  showHeard("source", players.source, players);
  showHeard("dub", players.dub, players);
}

/** Show which of the two is heard. @param {"source"|"dub"} name @param {HTMLMediaElement} media @param {Players} players */
function showHeard(name, media, players) {
  const heard = media === players.leader;
  const button = byId(`hear-${name}`, HTMLButtonElement);
  button.setAttribute("aria-pressed", String(heard));
  button.disabled = !players.ready(media);
  changeIcon(button, heard ? "sound" : "muted");
  button.querySelector(".heard").textContent = heard ? "heard" : "muted";
  byId(`${name}-pane`).classList.toggle("heard", heard);
}

/** @param {Players} players @param {Review} review */
function showTime(players, review) {
  byId("time").textContent = clock(players.time, 2);
  byId("duration").textContent = clock(review.duration || players.leader.duration || 0, 2);
}
