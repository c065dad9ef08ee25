// The page of one job: server-sent events say that something happened, the server's own page says what.
// Progress moves in place; when the stream breaks it is asked every few seconds instead.
import { all, byId, closest, first } from "./dom.js";
import { duration } from "./format.js";
import { send } from "./http.js";
import { KINDS, detail } from "./job_events.js";
import { stageTitle } from "./stages.js";
import { logIn } from "./swaps.js";
import { localTimes } from "./times.js";
import { toast } from "./toast.js";

/** @import { JobProgress } from "../../types/api" */

const POLL_MS = 4000;
const lost = byId("lost");
/** @type {EventSource|null} */
let source = null;
let poll = 0;
let refreshing = false;
let again = false;

const job = () => byId("job");
const ended = () => job().dataset.ended === "yes";

/** Take the job's part of this page anew; calls that come meanwhile are answered by one more. */
async function refresh() {
  if (refreshing) {
    again = true;
    return;
  }
  refreshing = true;
  try {
    await window.htmx.ajax("GET", location.pathname, { target: "#job", select: "#job", swap: "outerMorph" });
    clocks();
    localTimes();
  } finally {
    refreshing = false;
  }
  if (again) {
    again = false;
    await refresh();
  }
  if (ended()) stop();
}

function clocks() {
  for (const element of all(document, "time[data-clock]", HTMLTimeElement)) {
    element.textContent = new Date(element.dateTime).toLocaleTimeString([], { hour12: false });
  }
}

/** @param {JobProgress} progress */
function advance(progress) {
  const bar = byId("share", HTMLProgressElement);
  if (!bar) return refresh();
  bar.value = Math.max(bar.value, progress.share || 0);
  const parts = [`${Math.round(100 * bar.value)} %`];
  if (progress.stage) {
    const items = progress.total ? `, ${Math.round(progress.done)} of ${progress.total}` : "";
    parts.push(`${stageTitle(progress.stage)}${progress.language ? ` ${progress.language}` : ""}${items}`);
  }
  // Less than a second is not known so well.
  if (progress.left_seconds >= 1) parts.push(`about ${duration(progress.left_seconds)} left`);
  bar.nextElementSibling.textContent = parts.join(" · ");
  return undefined;
}

function listen() {
  source = new EventSource(`/api/jobs/${encodeURIComponent(job().dataset.job)}/events?after=${job().dataset.last}`);
  source.addEventListener("open", () => {
    lost.hidden = true;
    clearInterval(poll);
    poll = 0;
  });
  source.addEventListener("progress", (event) => advance(detail(event)));
  for (const kind of KINDS) source.addEventListener(kind, () => refresh());
  source.addEventListener("error", () => {
    if (ended()) return stop();
    lost.hidden = false;
    // A stream that was refused for good is not tried again by the browser: asking replaces it.
    if (!poll) poll = setInterval(ask, POLL_MS);
    return undefined;
  });
}

async function ask() {
  try {
    await send("GET", `/api/jobs/${encodeURIComponent(job().dataset.job)}`);
  } catch (error) {
    lost.hidden = false;
    if (error.status === 401) logIn();
    if (error.status === 404) {
      stop();
      toast(error.message, "bad");
    }
    return;
  }
  if (source.readyState === EventSource.CLOSED) lost.hidden = true;
  await refresh();
}

function stop() {
  source?.close();
  clearInterval(poll);
  poll = 0;
  lost.hidden = true;
  document.title = `${document.querySelector("h1").textContent}: ${first(job(), ".state").textContent.trim()} · dubkit`;
}

document.addEventListener("click", async (event) => {
  const button = closest(event.target, "[data-act]", HTMLButtonElement);
  if (!button) return;
  const wasEnded = ended();
  button.disabled = true;
  try {
    await send("POST", `/api/jobs/${encodeURIComponent(job().dataset.job)}/${button.dataset.act}`);
    toast(button.dataset.act === "cancel" ? "The job stops after what it is just doing." : "The job is back in the queue.", "good");
  } catch (error) {
    toast(error.message, "bad");
  }
  button.disabled = false;
  await refresh();
  if (wasEnded && !ended()) listen();
});

clocks();
if (!ended()) listen();
