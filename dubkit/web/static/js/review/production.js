/** Making sound again: new takes of lines, and the whole dub from the chosen takes. */

import { complain, say } from "./announce.js";
import { byId, counted, h, icon, lasting, settled } from "./dom.js";
import { Following, underWay } from "./jobs.js";

const KINDS = { regenerate: "New takes", render: "Render", dub: "Dub" };
const STATES = { queued: "waits for a worker", running: "running", done: "done", degraded: "done, but degraded", failed: "failed", cancelled: "cancelled" };

export class Production {
  /**
   * @param {import("./review.js").Review} review @param {import("./api.js").EpisodeApi} api
   * @param {import("./saver.js").Saver} saver @param {{episode: string, language: string}} place
   */
  constructor(review, api, saver, place) {
    Object.assign(this, { review, api, saver, place });
    /** Told when a job has ended and media may be new. @type {(job: import("./jobs.js").Job) => void} */
    this.ended = () => {};
    /** @type {Map<string, Following>} */
    this.following = new Map();
    byId("line-regenerate").addEventListener("click", () => this.regenerate([review.current]));
    byId("render").addEventListener("click", () => this.render());
    byId("produce").addEventListener("close", () => byId("produce").returnValue === "yes" && this.begin?.());
    const count = settled(() => this.hopeless || this.countPending(), 1500);
    review.when("changed", count);
    review.when("lines", count);
    underWay(place.episode).then((jobs) => jobs.filter((job) => this.concerns(job)).forEach((job) => this.follow(job)));
  }

  concerns(job) {
    return (job.work?.languages ?? []).includes(this.place.language);
  }

  /** @returns {Promise<any>} What a render would do now; null when it cannot be known. */
  async countPending() {
    const pending = await this.api.pending().catch((error) => {
      this.unknown = error.message;
      // What is refused (a model is missing) is not asked for again with every change.
      this.hopeless = error.status === 400;
    });
    if (!pending) return null;
    this.hopeless = false;
    byId("render-state").textContent = pending.nothing ? "The dub is up to date." : pending.text;
    byId("render").classList.toggle("primary", !pending.nothing);
    return pending;
  }

  /** @param {string[]} ids */
  async regenerate(ids) {
    const lines = ids.map((id) => this.review.lines.get(id)).filter(Boolean);
    const free = lines.filter((line) => !line.locked);
    if (!free.length) return complain(lines.length === 1 ? `Line ${lines[0].number} is locked. Unlock it first.` : "All of these lines are locked. Unlock them first.");
    await this.saver.idle();
    const pending = await this.api.pending(free.map((line) => line.id)).catch(() => null);
    const seconds = free.reduce((sum, line) => sum + line.end - line.start, 0);
    const what = [`${counted(free.length, "line")} (${seconds.toFixed(1)} s of speech) ${free.length === 1 ? "is" : "are"} made again with a new seed.`];
    what.push("The takes you have are kept.");
    if (lines.length > free.length) what.push(`${counted(lines.length - free.length, "locked line")} left as they are.`);
    const due = Object.values(pending?.items ?? {}).flat();
    if (due.length) what.push(pending.text);
    this.propose(`Regenerate ${free.length === 1 ? `line ${free[0].number}` : counted(free.length, "line")}?`, what, "Regenerate", () =>
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

  propose(title, what, yes, begin) {
    const dialog = byId("produce");
    byId("produce-title").textContent = title;
    byId("produce-what").replaceChildren(...what.filter(Boolean).map((text) => h("p", {}, text)));
    byId("produce-yes").textContent = yes;
    this.begin = begin;
    dialog.returnValue = "";
    dialog.showModal();
    byId("produce-yes").focus();
  }

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

  /** @param {import("./jobs.js").Job} job */
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

  over(following) {
    const { job } = following;
    const name = KINDS[job.work?.kind] ?? "Job";
    if (job.state === "failed") complain(`${name} failed: ${job.error || "the job page says why."}`);
    else say(`${name} ${STATES[job.state] ?? job.state}.`);
    this.ended(job);
    this.countPending();
  }

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
  const parts = [h("a", { href: `/jobs/${encodeURIComponent(job.id)}` }, KINDS[job.work?.kind] ?? "Job"), h("span", { class: "job-state" }, lost ? "connection lost; trying again" : told(job))];
  if (!over) parts.push(h("progress", { max: "1", value: job.state === "running" ? String(share) : null, "aria-label": "Progress" }));
  for (const reason of job.degraded ?? []) parts.push(h("span", { class: "job-reason" }, reason));
  if (over) parts.push(button("Close", "close", dismiss));
  else if (!job.cancelling) parts.push(button("Cancel", "stop", () => following.cancel().then(() => following.ask(), (error) => complain(error.message))));
  const had = item.contains(document.activeElement);
  item.className = `job ${over ? job.state : lost ? "lost" : ""}`;
  item.replaceChildren(...parts);
  if (had) item.querySelector("button")?.focus();
}

function told(job) {
  if (job.state === "failed") return `failed: ${job.error}`;
  if (job.state !== "running") return STATES[job.state] ?? job.state;
  const progress = job.progress ?? {};
  const left = progress.left_seconds == null ? "" : `, ${lasting(progress.left_seconds)} left`;
  return `${progress.stage || "starting"} ${Math.round(100 * (progress.share ?? 0))} %${left}`;
}

function button(label, sign, act) {
  const made = h("button", { type: "button", class: "btn little", "aria-label": `${label} job` }, icon(sign), label);
  made.addEventListener("click", act);
  return made;
}
