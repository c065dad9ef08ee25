import { byId, first, h, icon } from "./dom.js";

/** Messages that are seen at once; the oldest make room for new ones. */
const MOST = 4;

/**
 * Show a message for some seconds; bad ones stay until they are closed. One that is shown already is not shown twice.
 * Returns its element.
 * @param {string} message @param {"calm"|"good"|"warn"|"bad"} [kind]
 */
export function toast(message, kind = "calm") {
  const box = byId("toasts");
  const same = [...box.children].find((one) => one.classList.contains(kind) && first(one, "span").textContent === message);
  if (same) return /** @type {HTMLElement} */ (same);
  while (box.children.length >= MOST) box.firstElementChild.remove();
  const close = h("button", { type: "button", class: "btn ghost", "aria-label": "Close this message" }, icon("cross"));
  const note = h("div", { class: `toast ${kind}` }, h("span", {}, message), close);
  close.addEventListener("click", () => note.remove());
  box.append(note);
  if (kind !== "bad") setTimeout(() => note.remove(), 6000);
  return note;
}
