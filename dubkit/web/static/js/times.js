// Times in the reader's own zone.

/** Show every <time> below `root` in the reader's own zone, with the full time as its title. */
export function localTimes(root = document) {
  for (const element of root.querySelectorAll("time[datetime]:not([data-clock])")) {
    const when = new Date(element.dateTime);
    if (Number.isNaN(when.valueOf())) continue;
    element.textContent = when.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    element.title = when.toLocaleString([], { dateStyle: "full", timeStyle: "long" });
  }
}
