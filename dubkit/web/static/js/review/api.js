/** Requests to the server about one language of an episode, and whether the server can be reached. */

import { send } from "../http.js";

/**
 * @import { ChangedLine, ChangedLines, Details, Due, HistoryRow, LineList, Recorded, ReviewLine, Started } from "../../../types/api"
 * @typedef {Partial<Omit<ReviewLine, "id">>} Fields Fields of a line that a person changes.
 */

/** @param {Fields} fields */
export const namesOf = (fields) => /** @type {(keyof Fields)[]} */ (Object.keys(fields));

/** Answers of a proxy whose server is gone; 0 stands for no answer at all. */
const GONE = [0, 502, 504];

/** Told whether the last request reached the server. @type {Set<(reached: boolean) => void>} */
const watchers = new Set();

/** @param {(reached: boolean) => void} watch */
export const onReach = (watch) => watchers.add(watch);

/** @param {boolean} reached */
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
    tell(!isLost(error));
    throw error;
  }
}

/** Whether a request came to nothing because the server could not be reached. @param {{status?: number}} error */
export const isLost = (error) => GONE.includes(error.status);

/** The interface of one language of an episode. */
export class EpisodeApi {
  /** @param {string} episode @param {string} language */
  constructor(episode, language) {
    this.media = `/media/${encodeURIComponent(episode)}`;
    this.dub = `${this.media}/${encodeURIComponent(language)}`;
    this.root = `/api/episodes/${encodeURIComponent(episode)}/${encodeURIComponent(language)}`;
  }

  /** @returns {Promise<LineList>} */
  lines = () => request("GET", `${this.root}/lines`);

  /** @param {string} id @returns {Promise<Details>} */
  line = (id) => request("GET", `${this.root}/lines/${id}`);

  /** A line, and the last change that it has for certain: asked for first, it is never a later one. @param {string} id */
  lineNow = async (id) => {
    const [last] = (await this.edits(1)).events;
    return { line: (await this.line(id)).line, seen: last?.number ?? 0 };
  };

  /** @param {string} id @param {Fields & {seen: number}} fields @returns {Promise<ChangedLine>} */
  change = (id, fields) => request("PATCH", `${this.root}/lines/${id}`, fields);

  /** @param {string} id @param {string} take @returns {Promise<ChangedLine>} */
  choose = (id, take) => request("POST", `${this.root}/lines/${id}/choose`, { take });

  /** @param {string} id @param {number} number Of one of its texts @param {number} seen @returns {Promise<ChangedLine>} */
  chooseText = (id, number, seen) => request("POST", `${this.root}/lines/${id}/text`, { number, seen });

  /** @param {string} id @param {Blob} wav @param {number|null} at Second of the episode at which it begins @returns {Promise<Recorded>} */
  record = (id, wav, at) => request("POST", `${this.root}/lines/${id}/recording${at === null ? "" : `?at=${at.toFixed(3)}`}`, wav);

  /** @param {string[]} lines @param {boolean} picture Whether the speech stays, and only the picture is new @returns {Promise<Started>} */
  regenerate = (lines, picture) => request("POST", `${this.root}/lines/regenerate`, { lines, seed: null, picture });

  /** @param {string[]} lines @returns {Promise<ChangedLines>} */
  accept = (lines) => request("POST", `${this.root}/lines/accept`, { lines });

  /** @param {string[]} lines @returns {Promise<ChangedLines>} */
  lock = (lines) => request("POST", `${this.root}/lines/lock`, { lines });

  /** @param {string[]} lines @returns {Promise<ChangedLines>} */
  unlock = (lines) => request("POST", `${this.root}/lines/unlock`, { lines });

  /** @param {string[]} lines @param {string} speaker @param {string} name @returns {Promise<ChangedLines>} */
  assign = (lines, speaker, name) => request("POST", `${this.root}/lines/assign`, { lines, speaker, name });

  /** @param {number|null} [number] The change to undo; the last one without. @returns {Promise<ChangedLines>} */
  undo = (number = null) => request("POST", `${this.root}/undo`, { number });

  /** @returns {Promise<ChangedLines>} */
  redo = () => request("POST", `${this.root}/redo`, {});

  /** @param {number} [limit] @returns {Promise<{events: HistoryRow[]}>} The latest changes first. */
  edits = (limit = 100) => request("GET", `${this.root}/edits?limit=${limit}`);

  /** @param {string[]} [lines] Lines that would be made anew as well. @param {boolean} [picture] Only their picture. @returns {Promise<Due>} */
  pending = (lines = [], picture = false) =>
    request("GET", `${this.root}/pending?${new URLSearchParams([...lines.slice(0, 100).map((id) => ["lines", id]), ...(picture ? [["picture", "true"]] : [])])}`);

  /** @returns {Promise<Started>} */
  render = () => request("POST", `${this.root}/render`, {});
}
