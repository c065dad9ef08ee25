/** Puts the review page together. */

import { debounce } from "../debounce.js";
import { byId, isTyping } from "../dom.js";
import { complain, watchConnection } from "./announce.js";
import { EpisodeApi } from "./api.js";
import { bindings } from "./bindings.js";
import { Commands } from "./commands.js";
import { TextEditing } from "./editing.js";
import { Filters } from "./filters.js";
import { readFlags } from "./flags.js";
import { wireHistory } from "./history.js";
import { Inspector } from "./inspector.js";
import { Keys } from "./keys.js";
import { LineList } from "./list.js";
import { Players, loadMedia } from "./players.js";
import { Production } from "./production.js";
import { Recorder } from "./recorder.js";
import { Review } from "./review.js";
import { Saver } from "./saver.js";
import { wireSelection } from "./selection.js";
import { showShots } from "./shots.js";
import { wireSounds } from "./sounds.js";
import { stopTakes } from "./takes.js";
import { wireTransport } from "./transport.js";
import { Waveform } from "./waveform.js";

/**
 * @import { LineList as Lines } from "../../../types/api"
 * @import { Job } from "./jobs.js"
 * @typedef {ReturnType<typeof build>} Page The parts of the page by name.
 */

const place = byId("review").dataset;
const api = new EpisodeApi(place.episode, place.language);
const review = new Review(place.canEdit === "yes");
const page = build();

readFlags();
watchConnection();
wire(page);
loadAll();

function build() {
  const saver = new Saver(api, review);
  const filters = new Filters(review);
  const list = new LineList(review, saver);
  const players = new Players();
  const commands = new Commands(review, api, saver);
  const inspector = new Inspector(review, saver, api, commands);
  const production = new Production(review, api, saver, place);
  const waveform = new Waveform(review, players, saver);
  const editing = new TextEditing(review, saver, list);
  const recorder = new Recorder(review, api, players, production);
  return { review, saver, filters, list, editing, players, commands, inspector, production, waveform, recorder };
}

/** @param {Page} page */
function wire({ list, players, commands, production, waveform }) {
  wireTransport(players, review);
  wireSounds(review, players);
  wireSelection(review, commands, production);
  wireHistory(api, commands, review);
  new Keys(bindings(page), review.canEdit);
  byId("zoom-in").addEventListener("click", () => waveform.zoom(1));
  byId("zoom-out").addEventListener("click", () => waveform.zoom(-1));
  byId("open-help").addEventListener("click", () => byId("help", HTMLDialogElement).showModal());
  byId("lines-retry").addEventListener("click", loadLines);
  review.when("leave", () => list.focus());
  review.when("current", ({ id, seek }) => seek && !players.playing && players.seek(review.lines.get(id).start));
  players.addEventListener("time", followPlayback);
  addEventListener("hashchange", goToAsked);
  addEventListener("take-plays", () => players.pause());
  players.addEventListener("state", () => players.playing && stopTakes());
  review.when("released", () => renewOutdated());
  production.ended = (job) => jobEnded(job);
}

/** The line that is heard becomes the current one, unless somebody is typing. */
function followPlayback() {
  const { players, list } = page;
  const heard = lineAt(players.time);
  list.markPlaying(heard);
  if (!players.playing || players.until !== null || !heard || heard === review.current) return;
  if (!byId("follow", HTMLInputElement).checked || isTyping(document.activeElement) || !review.shown.includes(heard)) return;
  review.goTo(heard);
}

/** @param {number} time @returns {string} */
function lineAt(time) {
  let found = "";
  for (const line of review.lines.values()) {
    if (line.start > time) break;
    if (line.end > time) found = line.id;
  }
  return found;
}

async function loadLines() {
  try {
    const answer = await api.lines();
    const first = !review.lines.size;
    showLines(answer);
    if (first) {
      goToAsked();
      page.saver.restore();
    }
    if (first && document.activeElement === document.body) page.list.focus();
  } catch (error) {
    byId("lines-failed").hidden = false;
    byId("lines-failed-why").textContent = error.message;
    byId("loading").hidden = true;
  }
}

/** The line that the address names (`#line-4`) is the first to be looked at. */
function goToAsked() {
  const number = Number(/^#line-(\d+)$/.exec(location.hash)?.[1]);
  const line = [...review.lines.values()].find((one) => one.number === number);
  if (line && review.shown.includes(line.id)) review.goTo(line.id, { focus: true, seek: true });
}

/** @param {Lines} answer */
function showLines(answer) {
  byId("lines-failed").hidden = true;
  byId("loading").hidden = true;
  review.lines = new Map(answer.lines.map((line) => [line.id, line]));
  review.speakers = answer.speakers;
  page.filters.prepare();
  review.load(answer);
  byId("no-lines").hidden = review.shown.length > 0;
  performance.mark("lines-shown");
}

function loadMediaOfDub() {
  const missing = "There is no dub yet. Render it.";
  const status = byId("dub-status");
  const again = page.players.dub.src ? `?at=${Date.now()}` : "";
  if (place.dubbed === "yes") loadMedia(page.players.dub, `${api.dub}/dub${again}`, status, missing);
  else status.textContent = missing;
}

const showWaveform = () => page.waveform.load(`${api.media}/peaks`, place.dubbed === "yes" ? `${api.dub}/peaks` : "");

async function loadAll() {
  await loadLines();
  loadMedia(page.players.source, `${api.media}/source`, byId("source-status"), "The source file is not where it was.");
  loadMediaOfDub();
  showWaveform();
  if (place.video === "yes") showShots(`${api.media}/shots`, page.players);
}

/** Whether the list has other lines than the server, as a text is open. */
let outdated = false;

async function renewLines() {
  try {
    const answer = await api.lines();
    review.speakers = answer.speakers;
    review.renew(answer.lines, answer.seen);
    review.hear(answer.sounds);
    const others = answer.lines.length !== review.lines.size || answer.lines.some((line) => !review.lines.has(line.id));
    outdated = others && typing();
    if (others && !outdated) showLines(answer);
  } catch (error) {
    complain(`The lines could not be read again: ${error.message}`);
  }
}

const typing = () => Boolean(page.editing.open) || page.inspector.unsaved;

/** Not at once: the list must not change under the press that closed the text. */
const renewOutdated = debounce(() => outdated && !typing() && renewLines(), 300);

/** After a job: lines, takes and the dub are what they are now. @param {Job} job */
async function jobEnded(job) {
  if (job.state === "failed" || job.state === "cancelled") return;
  await renewLines();
  if (job.work?.kind === "regenerate") return;
  place.dubbed = "yes";
  const at = page.players.time;
  page.players.dub.addEventListener("loadedmetadata", () => page.players.seek(at), { once: true });
  loadMediaOfDub();
  showWaveform();
  byId("download").hidden = false;
}
