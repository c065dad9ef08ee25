// Times in the reader's own zone.
import { all } from "./dom.js";

/** Show every <time> of the page in the reader's own zone, with the full time as its title. */
export function localTimes() {
  for (const element of all(document, "time[datetime]:not([data-clock])", HTMLTimeElement)) {
    const when = new Date(element.dateTime);
    if (Number.isNaN(when.valueOf())) continue;
    element.textContent = when.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    element.title = when.toLocaleString([], { dateStyle: "full", timeStyle: "long" });
  }
}
