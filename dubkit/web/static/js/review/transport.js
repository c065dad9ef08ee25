/** Buttons and marks around the players: play, time, which of the two is heard. */

import { byId, clock } from "./dom.js";

/** @param {import("./players.js").Players} players @param {import("./review.js").Review} review */
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

/** @param {import("./players.js").Players} players @param {import("./review.js").Review} review */
export function playLine(players, review) {
  const line = review.line;
  if (line) players.playSpan(line.start, Math.max(line.end, line.start + (line.spoken || 0)));
}

function showState(players) {
  const playing = players.playing;
  byId("play").setAttribute("aria-label", playing ? "Pause" : "Play");
  byId("play").querySelector("use").setAttribute("href", playing ? "#icon-pause" : "#icon-play");
  for (const [name, media] of [["source", players.source], ["dub", players.dub]]) {
    const heard = media === players.leader;
    const button = byId(`hear-${name}`);
    button.setAttribute("aria-pressed", String(heard));
    button.disabled = !players.ready(media);
    button.querySelector("use").setAttribute("href", heard ? "#icon-sound" : "#icon-muted");
    button.querySelector(".heard").textContent = heard ? "heard" : "muted";
    byId(`${name}-pane`).classList.toggle("heard", heard);
  }
}

function showTime(players, review) {
  byId("time").textContent = clock(players.time, 2);
  byId("duration").textContent = clock(review.duration || players.leader.duration || 0, 2);
}
