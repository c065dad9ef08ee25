/** Short messages: what was done is said quietly in the tool bar, what failed stays until it is closed. */

import { byId } from "../dom.js";
import { toast } from "../toast.js";
import { onReach, request } from "./api.js";

/** How often a server that is gone is asked whether it is back, in ms. */
const EVERY = 2000;

/** Messages that are over once the server is reached again. @type {HTMLElement[]} */
let standing = [];
let fading = 0;

/** @param {string} text Read out, and shown for some seconds. */
export function say(text) {
  clearTimeout(fading);
  const said = byId("said");
  said.textContent = text;
  said.classList.add("fresh");
  fading = setTimeout(() => said.classList.remove("fresh"), 4000);
}

/** @param {string} text A failure. @param {boolean} [lost] Whether it is over once the server is reached again. */
export function complain(text, lost = false) {
  const note = toast(text, "bad");
  if (lost) standing.push(note);
}

/** Show whether the server can be reached, as the browser and the last request say; one that is gone is asked again. */
export function watchConnection() {
  let timer = 0;
  /** @returns {void} */
  const ask = () => void request("GET", "/api/health/live").catch(() => /** @type {null} */ (null));
  /** @param {boolean} reached */
  const set = (reached) => {
    byId("offline").hidden = reached;
    if (!reached) timer ||= setInterval(ask, EVERY);
    else {
      clearInterval(timer);
      timer = 0;
      standing.forEach((note) => note.remove());
      standing = [];
    }
  };
  onReach(set);
  addEventListener("offline", () => set(false));
  addEventListener("online", ask);
  set(navigator.onLine);
}
