/** Follows a job to its end: by its events, and by asking when their stream is lost. */

import { KINDS, detail } from "../job_events.js";
import { request } from "./api.js";

/**
 * @import { JobProgress, JobState, ShownWork } from "../../../types/api"
 * @typedef {object} Job What is known of a job; of one that was only just started nothing but id, state and work.
 * @property {string} id
 * @property {JobState} state
 * @property {Pick<ShownWork, "kind"|"languages"> & Partial<ShownWork>} work
 * @property {JobProgress} [progress]
 * @property {string} [error]
 * @property {string[]} [degraded]
 * @property {boolean} [cancelling]
 */

const ENDED = ["done", "degraded", "failed", "cancelled"];
const POLL = 3000;

/** Fires `change` (its job, or whether the connection is lost, changed) and, once, `end`. */
export class Following extends EventTarget {
  /** @param {Job} job */
  constructor(job) {
    super();
    /** @type {Job} */
    this.job = job;
    this.lost = false;
    this.url = `/api/jobs/${encodeURIComponent(job.id)}`;
    this.timer = 0;
    this.over = false;
    this.asking = false;
    this.listen();
    this.tell();
  }

  listen() {
    this.stream = new EventSource(`${this.url}/events`);
    this.stream.addEventListener("open", () => this.reached());
    this.stream.addEventListener("progress", (event) => this.advanced(detail(event)));
    for (const kind of KINDS) this.stream.addEventListener(kind, () => this.ask());
    this.stream.addEventListener("error", () => this.broken());
  }

  /** @param {JobProgress} progress */
  advanced(progress) {
    if (ENDED.includes(this.job.state)) return;
    const share = Math.max(this.job.progress?.share ?? 0, progress.share ?? 0);
    this.job = { ...this.job, state: "running", progress: { ...progress, share } };
    this.tell();
  }

  reached() {
    this.lost = false;
    clearInterval(this.timer);
    this.timer = 0;
    this.tell();
  }

  /** The stream ended, or never came: say so unless the job is over, and ask in its place. */
  async broken() {
    if (this.over) return;
    this.timer ||= setInterval(() => this.ask(), POLL);
    await this.ask();
    if (this.over || this.stream.readyState === EventSource.OPEN) return;
    this.lost = true;
    this.tell();
  }

  async ask() {
    if (this.asking || this.over) return;
    this.asking = true;
    try {
      this.job = await request("GET", this.url);
      this.lost = false;
    } catch (error) {
      this.lost = true;
      if (error.status === 404) this.job = { ...this.job, state: "failed", error: "The server does not know this job any more." };
    } finally {
      this.asking = false;
    }
    this.tell();
    if (ENDED.includes(this.job.state)) this.end();
  }

  end() {
    if (this.over) return;
    this.over = true;
    this.lost = false;
    this.stream.close();
    clearInterval(this.timer);
    this.tell();
    this.dispatchEvent(new CustomEvent("end"));
  }

  cancel() {
    return request("POST", `${this.url}/cancel`);
  }

  tell() {
    this.dispatchEvent(new CustomEvent("change"));
  }
}

/** Jobs of an episode that are still under way. @param {string} episode @returns {Promise<Job[]>} */
export async function underWay(episode) {
  /** @type {Job[]} */
  const jobs = await request("GET", `/api/jobs?episode=${encodeURIComponent(episode)}`).catch(() => /** @type {Job[]} */ ([]));
  return jobs.filter((job) => !ENDED.includes(job.state));
}
