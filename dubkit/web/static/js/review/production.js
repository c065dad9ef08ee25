/** Making sound again: new takes of lines, and the whole dub from the chosen takes. */

import { debounce } from "../debounce.js";
import { byId, h, icon } from "../dom.js";
import { duration, plural } from "../format.js";
import { complain, say } from "./announce.js";
import { Following, underWay } from "./jobs.js";

/**
 * @import { Due, Started } from "../../../types/api"
 * @import { EpisodeApi } from "./api.js"
 * @import { Job } from "./jobs.js"
 * @import { Review } from "./review.js"
 * @import { Saver } from "./saver.js"
 */

const KINDS = { regenerate: "New takes", render: "Render", dub: "Dub" };
const STATES = { queued: "waits for a worker", running: "running", done: "done", degraded: "done, but degraded", failed: "failed", cancelled: "cancelled" };

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
    byId("render").addEventListener("click", () => this.render());
    this.dialog.addEventListener("close", () => this.dialog.returnValue === "yes" && this.begin());
    const count = debounce(() => this.hopeless || this.countPending(), 1500);
    review.when("changed", count);
    review.when("lines", count);
    underWay(place.episode).then((jobs) => jobs.filter((job) => this.concerns(job)).forEach((job) => this.follow(job)));
  }

  /** @param {Job} job */
  concerns(job) {
    return job.work.languages.includes(this.place.language);
  }

  /** @returns {Promise<Due|null>} What a render would do now; null when it cannot be known. */
  async countPending() {
    const pending = await this.api.pending().catch((error) => {
      this.unknown = error.message;
      // What is refused (a model is missing) is not asked for again with every change.
      this.hopeless = error.status === 400;
      return /** @type {Due|null} */ (null);
    });
    if (!pending) return null;
    this.hopeless = false;
    byId("render-state").textContent = pending.nothing ? "The dub is up to date." : pending.text;
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
    const due = Object.values(pending?.items ?? {}).flat();
    if (due.length) what.push(pending.text);
    this.propose(`Regenerate ${free.length === 1 ? `line ${free[0].number}` : plural(free.length, "line")}?`, what, "Regenerate", () =>
      this.start("regenerate", () => this.api.regenerate(free.map((line) => line.id))),
    );
  }

  async render() {
    await this.saver.idle();
    const pending = await this.countPending();
    if (!pending) return complain(this.unknown);
    const what = pending.nothing ? ["Nothing has changed: the dub is up to date."] : [pending.text];
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
      this.follow({ ...started, work: { kind, languages: [this.place.language] } });
      this.review.tell("changed");
    } catch (error) {
      complain(error.message);
    }
  }

  /** @param {Job} job */
  follow(job) {
    if (this.following.has(job.id)) return;
    const following = new Following(job);
    this.following.set(job.id, following);
    const item = h("li", { class: "job" });
    byId("jobs").append(item);
    byId("jobs").hidden = false;
    const show = () => showJob(item, following, () => this.dismiss(job.id, item));
    following.addEventListener("change", show);
    following.addEventListener("end", () => this.over(following));
    show();
  }

  /** @param {Following} following */
  over(following) {
    const { job } = following;
    const name = KINDS[job.work.kind];
    if (job.state === "failed") complain(`${name} failed: ${job.error || "the job page says why."}`);
    else say(`${name} ${STATES[job.state]}.`);
    this.ended(job);
    this.countPending();
  }

  /** @param {string} id @param {HTMLElement} item */
  dismiss(id, item) {
    item.remove();
    this.following.delete(id);
    byId("jobs").hidden = !byId("jobs").children.length;
    this.review.tell("leave");
  }
}

/** @param {HTMLElement} item @param {Following} following @param {() => void} dismiss */
function showJob(item, following, dismiss) {
  const { job, lost, over } = following;
  const share = job.progress?.share ?? 0;
  /** @type {HTMLElement[]} */
  const parts = [h("a", { href: `/jobs/${encodeURIComponent(job.id)}` }, KINDS[job.work.kind]), h("span", { class: "job-state" }, lost ? "connection lost; trying again" : words(job))];
  if (!over) parts.push(h("progress", { max: "1", value: job.state === "running" ? String(share) : null, "aria-label": "Progress" }));
  for (const reason of job.degraded ?? []) parts.push(h("span", { class: "job-reason" }, reason));
  if (over) parts.push(button("Close", "cross", dismiss));
  else if (!job.cancelling) parts.push(button("Cancel", "stop", () => following.cancel().then(() => following.ask(), (error) => complain(error.message))));
  const had = item.contains(document.activeElement);
  item.className = `job ${over ? job.state : lost ? "lost" : ""}`;
  item.replaceChildren(...parts);
  if (had) item.querySelector("button")?.focus();
}

/** What a job is doing, in words. @param {Job} job */
function words(job) {
  if (job.state === "failed") return `failed: ${job.error}`;
  if (job.state !== "running") return STATES[job.state];
  const { stage, share, left_seconds: left } = job.progress;
  // Less than a second is not known so well.
  return `${stage || "starting"} ${Math.round(100 * share)} %${left >= 1 ? `, about ${duration(left)} left` : ""}`;
}

/** @param {string} label @param {string} sign Name of its icon @param {() => void} act */
function button(label, sign, act) {
  return h("button", { type: "button", class: "btn little", "aria-label": `${label} job`, on: { click: act } }, icon(sign), label);
}
