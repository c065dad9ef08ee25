/** What was changed, by whom, newest first; each change can be undone. */

import { byId, h } from "../dom.js";
import { plainly } from "./words.js";

/**
 * @import { HistoryRow } from "../../../types/api"
 * @import { EpisodeApi } from "./api.js"
 * @import { Commands } from "./commands.js"
 * @import { Review } from "./review.js"
 */

/**
 * @param {EpisodeApi} api @param {Commands} commands
 * @param {Review} review
 */
export function wireHistory(api, commands, review) {
  const dialog = byId("history", HTMLDialogElement);
  // Said in the dialog: whatever is outside lies under it.
  /** @param {string} text */
  const complain = (text) => (byId("history-fault").textContent = text);
  const refresh = async () => {
    try {
      show((await api.edits()).events, review, undo);
    } catch (error) {
      complain(error.message);
    }
  };
  /** @param {number} number */
  const undo = async (number) => {
    complain("");
    if (await commands.undo(number, complain)) await refresh();
    byId("history-close").focus();
  };
  byId("open-history").addEventListener("click", () => {
    complain("");
    dialog.showModal();
    refresh();
  });
}

/** @param {HistoryRow[]} changes @param {Review} review @param {(number: number) => void} act */
function show(changes, review, act) {
  const list = byId("changes");
  /** @param {HistoryRow} change */
  const entry = (change) => {
    const undo = h("button", { type: "button", class: "btn little", "aria-label": `Undo change ${change.number}` }, "Undo");
    undo.addEventListener("click", () => act(change.number));
    const when = h("time", { datetime: change.at }, new Date(change.at).toLocaleString([], { dateStyle: "short", timeStyle: "short" }));
    return h(
      "li",
      { class: change.undone ? "undone" : "" },
      h("div", { class: "change" }, h("p", {}, plainly(review, change.text) || change.action), h("p", { class: "muted" }, `${change.number} · ${change.who} · `, when, change.undone ? " · undone" : "")),
      review.canEdit && !change.undone && change.action !== "undo" && change.action !== "redo" ? undo : null,
    );
  };
  const newest = [...changes].sort((one, other) => other.number - one.number);
  list.replaceChildren(...newest.map(entry));
  byId("no-changes").hidden = changes.length > 0;
}
