// The player on the page of a job: it plays the chunks of the dub that are there, and says which those are.
// Safari plays HLS by itself; elsewhere hls.js does. The manifest is asked for every few seconds until all is there.
import { byId, h } from "./dom.js";
import { clock, duration } from "./format.js";
import { send } from "./http.js";

/** @import { ShownChunk, ShownPlayout } from "../../types/api" */

const POLL_MS = 2000;
const HLS_TYPE = "application/vnd.apple.mpegurl";
const STATES = { waiting: "waiting", ready: "ready", outdated: "being made again", failed: "failed" };

const video = byId("playout-video", HTMLVideoElement);
const language = /** @type {HTMLInputElement|HTMLSelectElement} */ (byId("playout-language"));
/** @type {HlsPlayer|null} */
let player = null;
/** What is played now. */
let playing = "";
let timer = 0;

const ended = () => byId("job").dataset.ended === "yes";

async function look() {
  clearTimeout(timer);
  const asked = language.value;
  const address = `/api/jobs/${encodeURIComponent(byId("job").dataset.job)}/stream/manifest`;
  /** @type {ShownPlayout|null} */
  let playout = null;
  try {
    playout = await send("GET", `${address}?language=${encodeURIComponent(asked)}`);
  } catch (error) {
    if (error.status !== 404 && error.status !== 0) return;
    if (ended()) byId("playout-words").textContent = "This job left no chunks.";
  }
  if (asked !== language.value) return;
  if (playout) show(playout);
  if (!(ended() && (!playout || playout.complete))) timer = setTimeout(look, POLL_MS);
}

/** @param {ShownPlayout} playout */
function show(playout) {
  const there = playout.chunks.filter((chunk) => chunk.url);
  byId("playout-words").textContent = playout.complete
    ? `All ${playout.chunks.length} chunks are there.`
    : there.length
      ? `${there.length} of ${playout.chunks.length} chunks can be played.`
      : "No chunk is there yet.";
  byId("playout-chunks").replaceChildren(...playout.chunks.map(shown));
  const first = playout.chunks[0]?.ready_after_seconds;
  byId("playout-delay").textContent =
    first == null ? "" : `The first chunk was there ${duration(first)} after the job began. This is chunk mode, not real time.`;
  if (playout.playlist && playing !== playout.playlist) play(playout.playlist);
}

/** @param {ShownChunk} chunk */
function shown(chunk) {
  const after = chunk.ready_after_seconds == null ? "" : `, after ${duration(chunk.ready_after_seconds)}`;
  const title = `Chunk ${chunk.number}, ${clock(chunk.start)} to ${clock(chunk.end)}: ${STATES[chunk.state]}${after}`;
  return h("li", { data: { state: chunk.state }, title }, h("span", { class: "visually-hidden" }, title), String(chunk.number));
}

/** @param {string} playlist */
function play(playlist) {
  playing = playlist;
  video.hidden = false;
  player?.destroy();
  player = null;
  if (window.Hls?.isSupported()) {
    // The page's policy allows no worker from a blob, and chunks are small.
    player = new window.Hls({ enableWorker: false, startPosition: 0 });
    player.on("hlsError", (_event, error) => recover(error));
    player.loadSource(playlist);
    player.attachMedia(video);
  } else if (video.canPlayType(HLS_TYPE)) {
    video.src = playlist;
  } else {
    byId("playout-words").textContent = "This browser plays no chunks; the finished dub can be downloaded.";
  }
}

/** @param {HlsError} error */
function recover(error) {
  if (!error.fatal) return;
  if (error.type === window.Hls.ErrorTypes.NETWORK_ERROR) setTimeout(() => player?.startLoad(), POLL_MS);
  else if (error.type === window.Hls.ErrorTypes.MEDIA_ERROR) player.recoverMediaError();
  else byId("playout-words").textContent = "The picture cannot be shown by this browser.";
}

language.addEventListener("change", () => {
  playing = "";
  look();
});
look();
