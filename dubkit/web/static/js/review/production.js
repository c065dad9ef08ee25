/** Making sound again: new takes of lines, and the whole dub from the chosen takes. */

import { debounce } from "../debounce.js";
import { byId, first, h, icon } from "../dom.js";
import { duration, plural } from "../format.js";
import { stageTitle } from "../stages.js";
import { complain, say } from "./announce.js";
import { isLost } from "./api.js";
import { linked, plainly } from "./words.js";
import { Following, underWay } from "./jobs.js";

/**
 * @import { Due, ReviewLine, Started } from "../../../types/api"
 * @import { EpisodeApi } from "./api.js"
 * @import { Job } from "./jobs.js"
 * @import { Review } from "./review.js"
 * @import { Saver } from "./saver.js"
 */

const KINDS = { regenerate: "New takes", render: "Render", dub: "Dub" };
const STATES = { queued: "waits for a worker", running: "running", done: "done", degraded: "done, with notes", failed: "failed", cancelled: "cancelled" };

/** Route of lines whose lips follow their speech. */
const DRIVEN = "drive";
/** Reasons that are shown at once; the others are folded. */
const REASONS = 3;
/** A job that went well says so for this long, in ms. */
const STAYS = 6000;
/** A count of what is due is asked for this long after the last change, in ms. */
const COUNTS_AFTER = 4000;

export class Production {
  /**
   * @param {Review} review @param {EpisodeApi} api
   * @param {Saver} saver @param {DOMStringMap} place Data of the page: episode and language
   */
  constructor(review, api, saver, place) {
    this.review = review;
    this.api = api;
    this.saver = saver;
    this.place = place;
    this.dialog = byId("produce", HTMLDialogElement);
    /** What the dialog is about to begin. */
    this.begin = () => {};
    /** Why it cannot be known what is due. */
    this.unknown = "";
    /** Whether asking again will not help. */
    this.hopeless = false;
    /** Told when a job has ended and media may be new. @type {(job: Job) => void} */
    this.ended = () => {};
    /** @type {Map<string, Following>} */
    this.following = new Map();
    byId("line-regenerate").addEventListener("click", () => this.regenerate([review.current]));
    byId("line-picture").addEventListener("click", () => this.newPicture([review.current]));
    byId("render").addEventListener("click", () => this.render());
    this.dialog.addEventListener("close", () => this.dialog.returnValue === "yes" && this.begin());
    /** The count that is under way. @type {Promise<Due|null>|null} */
    this.counting = null;
    const count = debounce(() => this.hopeless || document.hidden || this.countPending(), COUNTS_AFTER);
    review.when("changed", count);
    review.when("lines", count);
    underWay(place.episode).then((jobs) => jobs.filter((job) => this.concerns(job)).forEach((job) => this.follow(job)));
  }

  /** @param {Job} job */
  concerns(job) {
    return job.work.languages.includes(this.place.language);
  }

  /** @returns {Promise<Due|null>} What a render would do now; null when it cannot be known. */
  countPending() {
    this.counting ??= this.askPending().finally(() => (this.counting = null));
    return this.counting;
  }

  async askPending() {
    const pending = await this.api.pending().catch((error) => {
      this.unknown = error.message;
      // What is refused (a model is missing) is not asked for again with every change.
      this.hopeless = error.status === 400;
      return /** @type {Due|null} */ (null);
    });
    if (!pending) return null;
    this.hopeless = false;
    byId("render-state").textContent = pending.nothing ? "The dub is up to date." : plainly(this.review, pending.text);
    byId("render").classList.toggle("primary", !pending.nothing);
    return pending;
  }

  /** @param {string[]} ids */
  async regenerate(ids) {
    const lines = this.review.find(ids);
    const free = lines.filter((line) => !line.locked);
    if (!free.length) return complain(lines.length === 1 ? `Line ${lines[0].number} is locked. Unlock it first.` : "All of these lines are locked. Unlock them first.");
    await this.saver.idle();
    const pending = await this.api.pending(free.map((line) => line.id)).catch(() => /** @type {Due|null} */ (null));
    const seconds = free.reduce((sum, line) => sum + line.end - line.start, 0);
    const what = [`${plural(free.length, "line")} (${seconds.toFixed(1)} s of speech) ${free.length === 1 ? "is" : "are"} made again with a new seed.`];
    what.push("The takes you have are kept.");
    if (lines.length > free.length) what.push(`${plural(lines.length - free.length, "locked line")} left as they are.`);
    this.proposeTakes(`Regenerate ${lineNames(free)}?`, what, pending, "Regenerate", free, false);
  }

  /** New lips for the same speech, of those lines whose lips follow their speech. @param {string[]} ids */
  async newPicture(ids) {
    const lines = this.review.find(ids);
    const driven = lines.filter((line) => line.route === DRIVEN);
    if (!driven.length) return say("Only a line whose lips follow its speech gets a new picture alone.");
    const free = driven.filter((line) => !line.locked);
    if (!free.length) return complain(driven.length === 1 ? `Line ${driven[0].number} is locked. Unlock it first.` : "All of these lines are locked. Unlock them first.");
    await this.saver.idle();
    const pending = await this.api.pending(free.map((line) => line.id), true).catch(() => /** @type {Due|null} */ (null));
    const what = [`${plural(free.length, "line")} ${free.length === 1 ? "gets" : "get"} a new picture. The speech stays, and so do the takes you have.`];
    const others = lines.length - free.length;
    if (others) what.push(`${plural(others, "other line")} left as ${others === 1 ? "it is" : "they are"}: locked, or without lips that follow the speech.`);
    this.proposeTakes(`New picture of ${lineNames(free)}?`, what, pending, "New picture", free, true);
  }

  /**
   * @param {string} title @param {string[]} what @param {Due|null} pending
   * @param {string} yes @param {ReviewLine[]} lines @param {boolean} picture
   */
  proposeTakes(title, what, pending, yes, lines, picture) {
    const due = Object.values(pending?.items ?? {}).flat();
    if (due.length) what.push(plainly(this.review, pending.text));
    this.propose(title, what, yes, () => this.start("regenerate", () => this.api.regenerate(lines.map((line) => line.id), picture)));
  }

  async render() {
    await this.saver.idle();
    await this.counting;
    const pending = await this.countPending();
    if (!pending) return complain(this.unknown);
    const what = pending.nothing ? ["Nothing has changed: the dub is up to date."] : [plainly(this.review, pending.text)];
    this.propose("Render the dub?", what, pending.nothing ? "Render anyway" : "Render", () => this.start("render", () => this.api.render()));
  }

  /**
   * Ask before something is begun.
   * @param {string} title @param {string[]} what Sentences @param {string} yes Label of the button @param {() => void} begin
   */
  propose(title, what, yes, begin) {
    byId("produce-title").textContent = title;
    byId("produce-what").replaceChildren(...what.filter(Boolean).map((text) => h("p", {}, text)));
    byId("produce-yes").textContent = yes;
    this.begin = begin;
    this.dialog.returnValue = "";
    this.dialog.showModal();
    byId("produce-yes").focus();
  }

  /** @param {"regenerate"|"render"} kind @param {() => Promise<Started>} ask */
  async start(kind, ask) {
    try {
      const started = await ask();
      say(`${KINDS[kind]} started.`);
      this.follow({ ...started, work: { kind, languages: [this.place.language], lines: kind === "regenerate" ? started.lines : [] } });
      this.review.tell("changed");
    } catch (error) {
      complain(plainly(this.review, error.message), isLost(error));
    }
  }

  /** @param {Job} job */
  follow(job) {
    if (this.following.has(job.id)) return;
    const following = new Following(job);
    this.following.set(job.id, following);
    const item = h("li", { class: "job", data: { job: job.id } });
    byId("jobs").append(item);
    byId("jobs").hidden = false;
    const close = () => {
      this.dismiss(job.id, item);
      this.review.tell("leave");
    };
    const show = () => showJob(item, following, this.review, close);
    following.addEventListener("change", show);
    this.review.when("lines", () => item.isConnected && show());
    following.addEventListener("end", () => this.over(following, item));
    show();
  }

  /** @param {Following} following @param {HTMLElement} item */
  over(following, item) {
    const { job } = following;
    const name = KINDS[job.work.kind];
    if (job.state === "failed") complain(`${name} failed: ${plainly(this.review, job.error) || "the job page says why."}`);
    else say(made(job, this.review) || `${name} ${STATES[job.state]}.`);
    if (job.state === "done" || job.state === "cancelled") this.dismissLater(job.id, item);
    this.ended(job);
    this.countPending();
  }

  /** Unless somebody is at it then. @param {string} id @param {HTMLElement} item */
  dismissLater(id, item) {
    setTimeout(() => {
      if (!item.isConnected) return;
      if (item.matches(":hover, :focus-within")) this.dismissLater(id, item);
      else this.dismiss(id, item);
    }, STAYS);
  }

  /** @param {string} id @param {HTMLElement} item */
  dismiss(id, item) {
    item.remove();
    this.following.delete(id);
    byId("jobs").hidden = !byId("jobs").children.length;
  }

  /** Put away what is said of jobs that are over. @returns {boolean} Whether there was something. */
  dismissEnded() {
    const ended = [...this.following].filter(([, following]) => following.over);
    for (const [id] of ended) this.dismiss(id, first(byId("jobs"), `[data-job="${CSS.escape(id)}"]`));
    if (ended.length) this.review.tell("leave");
    return ended.length > 0;
  }
}

/** @param {ReviewLine[]} lines */
const lineNames = (lines) => (lines.length === 1 ? `line ${lines[0].number}` : plural(lines.length, "line"));

/** What new takes are of, in words; empty for other jobs and while it is not known. @param {Job} job @param {Review} review */
function made(job, review) {
  const lines = review.find(job.work.lines ?? []);
  if (job.work.kind !== "regenerate" || !lines.length || !["done", "degraded"].includes(job.state)) return "";
  return lines.length === 1 ? `Line ${lines[0].number} has a new take.` : `${plural(lines.length, "line")} have new takes.`;
}

/** @param {HTMLElement} item @param {Following} following @param {Review} review @param {() => void} dismiss */
function showJob(item, following, review, dismiss) {
  const { job, lost, over } = following;
  const share = job.progress?.share ?? 0;
  const said = lost ? ["connection lost; trying again"] : linked(review, words(job, review));
  /** @type {HTMLElement[]} */
  const parts = [h("a", { href: `/jobs/${encodeURIComponent(job.id)}` }, KINDS[job.work.kind]), h("span", { class: "job-state" }, ...said)];
  if (!over) parts.push(h("progress", { max: "1", value: job.state === "running" ? String(share) : null, "aria-label": "Progress" }));
  if (over) parts.push(button("Close", "cross", dismiss));
  else if (!job.cancelling) parts.push(button("Cancel", "stop", () => following.cancel().then(() => following.ask(), (error) => complain(error.message))));
  if (job.degraded?.length) parts.push(reasons(job.degraded, review));
  const had = item.contains(document.activeElement);
  item.className = `job ${over ? job.state : lost ? "lost" : ""}`;
  item.replaceChildren(...parts);
  if (had) item.querySelector("button")?.focus();
}

/** The first reasons, and the others folded. @param {string[]} all @param {Review} review */
function reasons(all, review) {
  /** @param {string} reason */
  const entry = (reason) => h("li", {}, ...linked(review, reason));
  const rest = all.slice(REASONS);
  const folded = rest.length > 0 && h("details", {}, h("summary", {}, `and ${rest.length} more`), h("ul", {}));
  // The others are made when they are asked for: there may be a thousand.
  if (folded) folded.addEventListener("toggle", () => folded.querySelector("ul").replaceChildren(...rest.map(entry)), { once: true });
  return h("div", { class: "job-reasons" }, h("ul", {}, ...all.slice(0, REASONS).map(entry)), folded);
}

/** What a job is doing, in words. @param {Job} job @param {Review} review */
function words(job, review) {
  if (job.state === "failed") return `failed: ${job.error}`;
  if (made(job, review)) return made(job, review);
  if (job.state !== "running") return STATES[job.state];
  const { stage, share, left_seconds: left } = job.progress;
  // Less than a second is not known so well.
  return `${stage ? stageTitle(stage) : "starting"} ${Math.round(100 * share)} %${left >= 1 ? `, about ${duration(left)} left` : ""}`;
}

/** @param {string} label @param {string} sign Name of its icon @param {() => void} act */
function button(label, sign, act) {
  return h("button", { type: "button", class: "btn little", "aria-label": `${label} job`, on: { click: act } }, icon(sign), label);
}
