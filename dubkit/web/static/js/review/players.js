/**
 * Source and dub, locked together: the one that is heard leads, the silent one is held beside it.
 *
 * The silent one is corrected by its speed while it is a little off, and by a jump when it is far off, so what
 * is heard never changes its pitch.
 */

import { byId } from "../dom.js";
import { mediumReady } from "../http.js";

/** Seconds: off by less is in step; off by more than the second jumps. */
const IN_STEP = 0.015;
const FAR = 0.3;
/** The browser needs this long to find a place, so a jump while playing aims ahead by it. */
const AHEAD = 0.05;
const TICK = 100;

/** Fires `time` (while playing and after a jump) and `state`. */
export class Players extends EventTarget {
  constructor() {
    super();
    this.source = byId("source-player", HTMLMediaElement);
    this.dub = byId("dub-player", HTMLMediaElement);
    this.leader = this.dub;
    /** Whether a person has chosen what to hear. */
    this.chosen = false;
    /** Seconds by which the silent one is ahead. */
    this.off = 0;
    /** Where a played span ends; null plays on. @type {number|null} */
    this.until = null;
    /** Where to begin once there is something to play. @type {number|null} */
    this.wanted = null;
    for (const media of [this.source, this.dub]) this.listen(media);
    setInterval(() => this.hold(), TICK);
    this.hear(this.dub);
  }

  /** @param {HTMLMediaElement} media */
  listen(media) {
    media.addEventListener("play", () => this.started(media));
    media.addEventListener("pause", () => this.stopped(media));
    media.addEventListener("ended", () => this.stopped(media));
    media.addEventListener("loadedmetadata", () => this.arrived(media));
  }

  get follower() {
    return this.leader === this.source ? this.dub : this.source;
  }

  get playing() {
    return !this.leader.paused && !this.leader.ended;
  }

  get time() {
    return this.leader.currentTime;
  }

  /** @param {HTMLMediaElement} media True when it has something to play. */
  ready(media) {
    return media.readyState >= HTMLMediaElement.HAVE_METADATA;
  }

  /** A player that comes late joins where the other is. @param {HTMLMediaElement} media */
  arrived(media) {
    if (this.wanted !== null) {
      media.currentTime = Math.min(this.wanted, media.duration || this.wanted);
      this.wanted = null;
    }
    if (!this.ready(this.leader) || (media === this.dub && !this.chosen && !this.playing)) this.hear(media);
    else if (media !== this.leader) media.currentTime = this.leader.currentTime;
    this.tell();
  }

  /** @param {HTMLMediaElement} media The one that is heard from now on. */
  hear(media) {
    const [time, playing] = [this.leader.currentTime, this.playing];
    this.leader = media;
    this.leader.muted = false;
    this.leader.playbackRate = 1;
    this.follower.muted = true;
    if (this.ready(media) && Math.abs(media.currentTime - time) > FAR && this.ready(this.follower)) media.currentTime = time;
    if (playing && media.paused) media.play().catch(() => this.tell());
    this.tell();
  }

  /** What a person wants to hear stays so. @param {HTMLMediaElement} media */
  choose(media) {
    this.chosen = true;
    this.hear(media);
  }

  /** Hear the other one. @returns {"source"|"dub"} */
  swap() {
    if (this.ready(this.follower)) this.choose(this.follower);
    return this.leader === this.dub ? "dub" : "source";
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  play() {
    this.until = null;
    this.run();
  }

  run() {
    for (const media of [this.leader, this.follower]) if (this.ready(media)) media.play().catch(() => this.tell());
  }

  pause() {
    this.leader.pause();
    this.follower.pause();
  }

  /** @param {number} seconds */
  seek(seconds) {
    if (!this.ready(this.leader) && !this.ready(this.follower)) this.wanted = Math.max(0, seconds);
    for (const media of [this.leader, this.follower]) {
      if (this.ready(media)) media.currentTime = Math.max(0, Math.min(seconds, media.duration || seconds));
    }
    this.tell("time");
  }

  /** Play one span and stop. @param {number} start @param {number} end */
  playSpan(start, end) {
    this.seek(start);
    this.until = end;
    this.run();
  }

  /** @param {HTMLMediaElement} media */
  started(media) {
    if (media === this.leader) this.frame();
    this.tell();
  }

  /** @param {HTMLMediaElement} media */
  stopped(media) {
    if (media === this.leader) {
      this.follower.pause();
      if (this.ready(this.follower)) this.follower.currentTime = Math.min(this.time, this.follower.duration || this.time);
    }
    this.tell();
  }

  /** Tell the time with every picture while playing. */
  frame() {
    if (!this.playing) return;
    if (this.until !== null && this.time >= this.until) {
      this.until = null;
      this.pause();
    }
    this.tell("time");
    requestAnimationFrame(() => this.frame());
  }

  /** Hold the silent player beside the heard one. */
  hold() {
    const [leader, follower] = [this.leader, this.follower];
    if (!this.playing || !this.ready(follower) || follower.ended || follower.seeking || leader.seeking) return;
    if (follower.paused) {
      follower.play().catch(() => {});
      return;
    }
    const off = follower.currentTime - leader.currentTime;
    this.off = off;
    if (Math.abs(off) > FAR) follower.currentTime = leader.currentTime + AHEAD;
    follower.playbackRate = Math.abs(off) <= IN_STEP ? 1 : 1 - Math.max(-0.25, Math.min(0.25, off * 2));
  }

  /** @param {string} [name] */
  tell(name = "state") {
    this.dispatchEvent(new CustomEvent(name));
  }
}

/**
 * Give a player its medium once the server has it; a preview that is being made is waited for.
 * @param {HTMLMediaElement} media @param {string} url @param {HTMLElement} status @param {string} missing
 */
export async function loadMedia(media, url, status, missing) {
  const answer = await mediumReady(url, () => (status.textContent = "A preview is being made…"));
  if (!answer?.ok) {
    status.textContent = answer?.status === 404 ? missing : "It cannot be loaded. Reload the page to try again.";
    return;
  }
  status.textContent = "";
  media.addEventListener("error", () => (status.textContent = "This browser cannot play it."), { once: true });
  media.src = url;
}
