/** Requests to the server about one language of an episode, and whether the server can be reached. */

import { send } from "../http.js";

/** Told whether the last request reached the server. @type {Set<(reached: boolean) => void>} */
const watchers = new Set();

/** @param {(reached: boolean) => void} watch */
export const onReach = (watch) => watchers.add(watch);

const tell = (reached) => watchers.forEach((watch) => watch(reached));

/**
 * @param {string} method @param {string} url @param {unknown} [body]
 * @returns {Promise<any>} The JSON of the answer. Rejects with Refused, whose status is 0 when no answer came.
 */
export async function request(method, url, body) {
  try {
    const answer = await send(method, url, body);
    tell(true);
    return answer;
  } catch (error) {
    tell(error.status !== 0);
    throw error;
  }
}

/** The interface of one language of an episode. */
export class EpisodeApi {
  /** @param {string} episode @param {string} language */
  constructor(episode, language) {
    this.media = `/media/${encodeURIComponent(episode)}`;
    this.dub = `${this.media}/${encodeURIComponent(language)}`;
    this.root = `/api/episodes/${encodeURIComponent(episode)}/${encodeURIComponent(language)}`;
  }

  lines = () => request("GET", `${this.root}/lines`);
  line = (id) => request("GET", `${this.root}/lines/${id}`);
  /** A line, and the last change that it has for certain: asked for first, it is never a later one. */
  lineNow = async (id) => {
    const [last] = (await request("GET", `${this.root}/edits?limit=1`)).events;
    return { line: (await this.line(id)).line, seen: last?.number ?? 0 };
  };
  change = (id, fields) => request("PATCH", `${this.root}/lines/${id}`, fields);
  choose = (id, take) => request("POST", `${this.root}/lines/${id}/choose`, { take });
  regenerate = (lines) => request("POST", `${this.root}/lines/regenerate`, { lines, seed: null });
  accept = (lines) => request("POST", `${this.root}/lines/accept`, { lines });
  lock = (lines) => request("POST", `${this.root}/lines/lock`, { lines });
  unlock = (lines) => request("POST", `${this.root}/lines/unlock`, { lines });
  assign = (lines, speaker, name) => request("POST", `${this.root}/lines/assign`, { lines, speaker, name });
  undo = (number = null) => request("POST", `${this.root}/undo`, { number });
  redo = () => request("POST", `${this.root}/redo`, {});
  edits = () => request("GET", `${this.root}/edits?limit=100`);
  /** @param {string[]} [lines] Lines that would be made anew as well. */
  pending = (lines = []) => request("GET", `${this.root}/pending?${new URLSearchParams(lines.slice(0, 100).map((id) => ["lines", id]))}`);
  render = () => request("POST", `${this.root}/render`, {});
}
