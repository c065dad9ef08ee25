/** What was changed, by whom, newest first; each change can be undone. */

import { complain } from "./announce.js";
import { byId, h } from "./dom.js";

/** @typedef {{number: number, at: string, who: string, action: string, text: string, undone: boolean}} Change */

/**
 * @param {import("./api.js").EpisodeApi} api @param {import("./commands.js").Commands} commands
 * @param {import("./review.js").Review} review
 */
export function wireHistory(api, commands, review) {
  const dialog = byId("history");
  const refresh = async () => {
    try {
      show((await api.edits()).events, commands, review.canEdit, refresh);
    } catch (error) {
      complain(error.message);
    }
  };
  byId("open-history").addEventListener("click", () => {
    dialog.showModal();
    refresh();
  });
}

/** @param {Change[]} changes */
function show(changes, commands, mayUndo, refresh) {
  const list = byId("changes");
  const entry = (change) => {
    const undo = h("button", { type: "button", class: "btn little", "aria-label": `Undo change ${change.number}` }, "Undo");
    undo.addEventListener("click", async () => {
      if (await commands.undo(change.number)) await refresh();
      byId("history-close").focus();
    });
    const when = h("time", { datetime: change.at }, new Date(change.at).toLocaleString([], { dateStyle: "short", timeStyle: "short" }));
    return h(
      "li",
      { class: change.undone ? "undone" : "" },
      h("div", { class: "change" }, h("p", {}, change.text || change.action), h("p", { class: "muted" }, `${change.number} · ${change.who} · `, when, change.undone ? " · undone" : "")),
      mayUndo && !change.undone && change.action !== "undo" && change.action !== "redo" ? undo : null,
    );
  };
  const newest = [...changes].sort((one, other) => other.number - one.number);
  list.replaceChildren(...newest.map(entry));
  byId("no-changes").hidden = changes.length > 0;
}
