// What the steps of a job are called, from the table that the server puts into the page.
import { byId } from "./dom.js";

/** @type {Record<string, string>|undefined} */
let table;

/** What a stage does, as people say it. @param {string} name */
export function stageTitle(name) {
  table ??= /** @type {Record<string, string>} */ (JSON.parse(byId("stage-titles")?.dataset.titles || "{}"));
  return table[name] ?? name;
}
