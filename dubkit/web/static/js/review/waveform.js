/** The waveform: source above, dub below, lines as regions whose edges can be dragged. */

import WaveSurfer from "/static/vendor/wavesurfer/wavesurfer.esm.js";
import Regions from "/static/vendor/wavesurfer/regions.esm.js";
import { debounce } from "../debounce.js";
import { byId, h } from "../dom.js";
import { request } from "./api.js";
import { SHORTEST, room, saveEdges } from "./edges.js";

/**
 * @import { Region } from "/static/vendor/wavesurfer/regions.esm.js"
 * @import { ReviewLine, Waveform as Peaks } from "../../../types/api"
 * @import { Players } from "./players.js"
 * @import { Review } from "./review.js"
 * @import { Saver } from "./saver.js"
 */

const ZOOMS = [2, 5, 10, 20, 40, 80, 160, 320];

export class Waveform {
  /**
   * @param {Review} review @param {Players} players
   * @param {Saver} saver
   */
  constructor(review, players, saver) {
    this.review = review;
    this.players = players;
    this.saver = saver;
    this.box = byId("waveform");
    this.zoomLevel = 5;
    /** Regions that are in the page now, by line. @type {Map<string, Region>} */
    this.regions = new Map();
    /** What is in view. @type {[number, number]} Seconds */
    this.span = [0, 0];
    this.duration = 0;
    /** The line whose edge is being dragged. */
    this.dragging = "";
    /** @type {WaveSurfer|null} */
    this.surfer = null;
  }

  /** Draw the sound, or draw it anew. @param {string} sourceUrl @param {string} dubUrl Empty without a dub. */
  async load(sourceUrl, dubUrl) {
    const [source, dub] = await Promise.all([peaks(sourceUrl), dubUrl ? peaks(dubUrl) : null]);
    const status = byId("waveform-status");
    if (!source && !dub) {
      status.textContent = "No waveform: the sound could not be read.";
      return;
    }
    status.textContent = "";
    this.duration = source?.duration ?? dub.duration;
    const first = source?.peaks ?? new Array(dub.peaks.length).fill(0);
    this.draw([first, dub ? matched(dub, first.length, this.duration) : new Array(first.length).fill(0)]);
  }

  /** @param {number[][]} channels Peaks of source and dub */
  draw(channels) {
    const first = !this.surfer;
    this.surfer?.destroy();
    this.regions.clear();
    this.surfer = WaveSurfer.create({
      container: this.box,
      height: this.box.clientHeight || 96,
      peaks: channels,
      duration: this.duration,
      minPxPerSec: ZOOMS[this.zoomLevel],
      ...this.dyes(),
      cursorWidth: 2,
      autoCenter: false,
      autoScroll: true,
      normalize: false,
      cspNonce: this.box.dataset.nonce,
    });
    this.plugin = this.surfer.registerPlugin(Regions.create());
    this.surfer.on("ready", () => this.ready());
    if (first) this.wire();
  }

  /** Follow the page, whichever drawing is there. */
  wire() {
    this.players.addEventListener("time", () => this.follow());
    this.review.when("lines", () => this.redraw());
    this.review.when("line", (id) => this.redrawOne(id));
    this.review.when("current", ({ before, id }) => this.recolour(before, id));
    const redye = () => this.surfer.setOptions(this.dyes());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redye);
    new MutationObserver(redye).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  }

  ready() {
    const sync = debounce(() => this.sync(), 40);
    this.surfer.on("scroll", (start, end) => {
      this.look([start, end]);
      sync();
    });
    this.surfer.on("redrawcomplete", () => this.look(this.visible()));
    this.surfer.on("interaction", (seconds) => this.players.seek(seconds));
    this.plugin.on("region-update", (region, side) => this.dragged(region, side));
    this.plugin.on("region-updated", (region) => this.dropped(region));
    this.plugin.on("region-clicked", (region, event) => this.clicked(region, event));
    this.look(this.visible());
    this.follow();
    this.sync();
    this.makeReachable();
  }

  /** Whoever has no mouse scrolls with the arrow keys. */
  makeReachable() {
    const scroller = this.surfer.getWrapper().parentElement;
    scroller.tabIndex = 0;
    scroller.setAttribute("role", "group");
    scroller.setAttribute("aria-label", "Waveform. Left and right scroll it.");
    scroller.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -0.2, ArrowRight: 0.2 }[event.key];
      if (!step || event.shiftKey) return;
      event.preventDefault();
      event.stopPropagation();
      scroller.scrollLeft += step * scroller.clientWidth;
    });
  }

  /** @returns {[number, number]} What is in view, in seconds. */
  visible() {
    const perSecond = this.surfer.getWrapper().clientWidth / this.duration;
    const start = this.surfer.getScroll() / perSecond;
    return [start, start + this.surfer.getWidth() / perSecond];
  }

  follow() {
    this.surfer.setTime(Math.min(this.players.time, this.duration));
  }

  /** @param {number} step */
  zoom(step) {
    if (!this.surfer) return;
    this.zoomLevel = Math.max(0, Math.min(ZOOMS.length - 1, this.zoomLevel + step));
    this.surfer.zoom(ZOOMS[this.zoomLevel]);
    this.surfer.setScrollTime(Math.max(0, this.players.time - this.surfer.getWidth() / ZOOMS[this.zoomLevel] / 2));
    this.look(this.visible());
    this.sync();
  }

  /** @param {[number, number]} span What is in view now, in seconds. */
  look(span) {
    this.span = span;
    this.review.tell("view", span);
  }

  /** Put in the regions near the view and take out the others, so that their number never matters. */
  sync() {
    const [start, end] = this.span;
    const margin = (end - start) / 2;
    /** @param {ReviewLine} line */
    const near = (line) => line.end > start - margin && line.start < end + margin;
    for (const [id, region] of this.regions) {
      const line = this.review.lines.get(id);
      if (!line || (!near(line) && id !== this.dragging)) this.remove(id, region);
    }
    for (const line of this.review.lines.values()) if (near(line) && !this.regions.has(line.id)) this.add(line);
  }

  /** @param {ReviewLine} line */
  add(line) {
    const label = h("span", { class: "region-label", part: "region-label" }, `${line.number} ${line.speaker_name}`);
    const region = this.plugin.addRegion({
      id: line.id,
      start: this.saver.value(line.id, "start"),
      end: this.saver.value(line.id, "end"),
      content: label,
      color: this.fill(line.id),
      drag: false,
      resize: this.review.canEdit && !line.locked,
      minLength: SHORTEST,
    });
    this.regions.set(line.id, region);
  }

  /** @param {string} id @param {Region} region */
  remove(id, region) {
    region.remove();
    this.regions.delete(id);
  }

  /** Colour of the region of a line. @param {string} id */
  fill(id) {
    const number = this.review.colour(this.review.lines.get(id)?.speaker);
    return `color-mix(in srgb, var(--speaker-${number}) ${id === this.review.current ? 42 : 18}%, transparent)`;
  }

  /** @param {...string} ids */
  recolour(...ids) {
    for (const id of ids) this.regions.get(id)?.setOptions({ color: this.fill(id) });
    const line = this.review.line;
    if (!line || this.players.playing) return;
    const [start, end] = this.visible();
    if (line.start < start || line.end > end) this.surfer.setScrollTime(Math.max(0, line.start - (end - start) / 4));
  }

  /** @param {string} id */
  redrawOne(id) {
    const region = this.regions.get(id);
    if (!region || id === this.dragging) return;
    this.remove(id, region);
    this.add(this.review.lines.get(id));
  }

  redraw() {
    for (const [id, region] of [...this.regions]) this.remove(id, region);
    this.sync();
  }

  /** Colours for the canvas, which knows no variables: the page resolves them. */
  dyes() {
    const probe = this.box.appendChild(h("span", {}));
    /** @param {string} name */
    const resolved = (name) => {
      probe.style.color = `var(${name})`;
      return getComputedStyle(probe).color;
    };
    const dyes = { waveColor: resolved("--wave"), progressColor: resolved("--wave-past"), cursorColor: resolved("--wave-cursor") };
    probe.remove();
    return dyes;
  }

  /** @param {Region} region @param {"start"|"end"} [side] */
  dragged(region, side) {
    this.dragging = region.id;
    const [from, to] = room(this.review, this.review.lines.get(region.id));
    if (side === "start" && region.start < from) region.setOptions({ start: from });
    if (side === "end" && region.end > to) region.setOptions({ end: to });
    this.review.tell("dragging", { id: region.id, start: region.start, end: region.end });
  }

  /** @param {Region} region */
  dropped(region) {
    const line = this.review.lines.get(region.id);
    this.dragging = "";
    if (line) saveEdges(this.saver, line, region.start, region.end);
  }

  /** @param {Region} region @param {MouseEvent} event */
  clicked(region, event) {
    event.stopPropagation();
    const bounds = this.surfer.getWrapper().getBoundingClientRect();
    this.review.goTo(region.id, { focus: true });
    this.players.seek(((event.clientX - bounds.left) / bounds.width) * this.duration);
  }
}

/** @param {string} url @returns {Promise<Peaks|null>} */
async function peaks(url) {
  for (let tries = 0; tries < 60; tries += 1) {
    const answer = await request("GET", url).catch(() => /** @type {any} */ (null));
    if (answer?.peaks) return answer;
    if (answer?.state !== "making") return null;
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
  return null;
}

/** Peaks of the dub on the source's time line. @param {Peaks} dub @param {number} length @param {number} duration Seconds */
function matched(dub, length, duration) {
  const scale = (duration * dub.rate) / length;
  return Array.from({ length }, (_, at) => dub.peaks[Math.floor(at * scale)] ?? 0);
}
