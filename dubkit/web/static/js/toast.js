import { byId, h, icon } from "./dom.js";

/**
 * Show a message for some seconds; bad ones stay until they are closed. Returns its element.
 * @param {string} message @param {"calm"|"good"|"warn"|"bad"} [kind]
 */
export function toast(message, kind = "calm") {
  const close = h("button", { type: "button", class: "btn ghost", "aria-label": "Close this message" }, icon("cross"));
  const note = h("div", { class: `toast ${kind}` }, h("span", {}, message), close);
  close.addEventListener("click", () => note.remove());
  byId("toasts").append(note);
  if (kind !== "bad") setTimeout(() => note.remove(), 6000);
  return note;
}
