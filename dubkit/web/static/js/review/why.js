/** Why a line sounds as it does: prompt, models, seed, edits, and what each stage was keyed on. */

import { byId, h } from "../dom.js";
import { plainly } from "./words.js";

/**
 * @import { Provenance, ProvenanceStep } from "../../../types/api"
 * @import { Review } from "./review.js"
 */

/** @param {Provenance} why @param {Review} review */
export function showWhy(why, review) {
  const list = h("dl", {});
  /** @param {string} name @param {Node|string} value */
  const add = (name, value) => value && list.append(h("dt", {}, name), h("dd", {}, value));
  add("Prompt", why.prompt);
  add("Engine", why.engine);
  add("Voice", why.voice);
  add("Seed", why.seed == null ? "" : String(why.seed));
  add("Models", named(why.models));
  if (why.edits?.length) add("Edits", h("ul", {}, ...why.edits.map((edit) => h("li", {}, plainly(review, edit)))));
  if (why.stages?.length) add("Made by", h("ul", { class: "steps" }, ...why.stages.map(step)));
  byId("why").replaceChildren(list);
}

/** @param {ProvenanceStep} made */
function step(made) {
  const parts = { settings: named(made.settings), models: named(made.models), edits: named(made.edits), inputs: Object.keys(made.inputs ?? {}).join(", ") };
  const rows = Object.entries(parts).filter(([, value]) => value);
  return h(
    "li",
    {},
    h("details", {},
      h("summary", {}, made.stage, " ", h("code", { title: made.key }, made.key.slice(0, 10))),
      ...rows.map(([name, value]) => h("p", { class: "muted" }, `${name}: ${value}`)),
    ),
    ...[...(made.degraded ?? []), made.error].filter(Boolean).map((text) => h("p", { class: "fault" }, text)),
  );
}

/** A table in one line. @param {Record<string, unknown>} [table] */
function named(table) {
  return Object.entries(table ?? {}).map(([name, value]) => `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`).join(", ");
}
