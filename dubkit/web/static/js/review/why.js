/** Why a line sounds as it does: prompt, model, seed, edits, and what each stage was keyed on. */

import { byId, h } from "./dom.js";

/** @param {{prompt?: string, engine?: string, seed?: number|null, model?: string, edits?: any[], stages?: {stage: string, key: string, reason: string}[]}} why */
export function showWhy(why) {
  const list = h("dl", {});
  const add = (name, value) => value && list.append(h("dt", {}, name), h("dd", {}, value));
  add("Prompt", why.prompt);
  add("Engine", why.engine);
  add("Model", why.model);
  add("Seed", why.seed == null ? "" : String(why.seed));
  if (why.edits?.length) add("Edits", h("ul", {}, ...why.edits.map((edit) => h("li", {}, spoken(edit)))));
  if (why.stages?.length) {
    const row = (stage) => h("tr", {}, h("th", { scope: "row" }, stage.stage), h("td", {}, stage.reason || "up to date"), h("td", {}, h("code", { title: stage.key }, stage.key.slice(0, 10))));
    const head = h("tr", {}, ...["Stage", "State", "Key"].map((name) => h("th", { scope: "col" }, name)));
    add("Stages", h("table", {}, h("thead", {}, head), h("tbody", {}, ...why.stages.map(row))));
  }
  byId("why").replaceChildren(list);
}

/** An edit in words, whether it comes as words or as a record. @param {any} edit */
function spoken(edit) {
  if (typeof edit === "string") return edit;
  return [edit.text ?? edit.action, edit.who && `by ${edit.who}`].filter(Boolean).join(" ");
}
