/** Short messages: what was done is said quietly in the tool bar, what failed stays until it is closed. */

import { byId } from "../dom.js";
import { toast } from "../toast.js";
import { onReach } from "./api.js";

let fading = 0;

/** @param {string} text Read out, and shown for some seconds. */
export function say(text) {
  clearTimeout(fading);
  const said = byId("said");
  said.textContent = text;
  said.classList.add("fresh");
  fading = setTimeout(() => said.classList.remove("fresh"), 4000);
}

/** @param {string} text A failure. */
export function complain(text) {
  toast(text, "bad");
}

/** Show whether the server can be reached, as the browser and the last request say. */
export function watchConnection() {
  /** @param {boolean} reached */
  const set = (reached) => {
    byId("offline").hidden = reached;
  };
  onReach(set);
  addEventListener("offline", () => set(false));
  addEventListener("online", () => set(true));
  set(navigator.onLine);
}
