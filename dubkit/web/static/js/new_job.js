// The page of a new job: files of the input folder, then one job or a batch of them.
import { all, byId, h } from "./dom.js";
import { plural, size } from "./format.js";
import { send } from "./http.js";
import { addTyped, chosenLanguages, restoreLanguages } from "./languages.js";
import { toast } from "./toast.js";
import { uploading, watchUploads } from "./uploads.js";

/** @import { InputEntry } from "../../types/api" */

const form = byId("new-job", HTMLFormElement);
const inputs = byId("inputs");
const filter = byId("filter", HTMLInputElement);
const chosen = byId("chosen");
const start = byId("start", HTMLButtonElement);
const fault = byId("fault");
const FILTER_FROM = 8;

const sources = () => all(inputs, "input:checked", HTMLInputElement).map((box) => box.value);

function settings() {
  /** @type {Record<string, string>} */
  const values = {};
  for (const control of /** @type {(HTMLInputElement|HTMLSelectElement)[]} */ (all(form, "[name^='set:']"))) {
    const value = control.value.trim();
    if (value) values[control.name.slice(4)] = value;
  }
  return values;
}

function tell() {
  const files = sources().length;
  const languages = chosenLanguages().length;
  const waits = uploading();
  chosen.textContent =
    files || languages
      ? `${plural(files, "file")}, ${plural(languages, "language")}${files ? `: ${plural(files, "job")}` : ""}.`
      : "Nothing is chosen yet.";
  if (waits) chosen.textContent += ` ${plural(waits, "upload")} not finished.`;
  byId("plan").replaceChildren();
}

/** @param {InputEntry} file @param {boolean} checked */
function choice(file, checked) {
  const box = h("input", { type: "checkbox", name: "source", value: file.name });
  box.checked = checked;
  return h("li", {}, h("label", {}, box, h("span", { class: "wrap" }, file.name), h("span", { class: "size" }, size(file.size))));
}

/** Show the files of the input folder; those that were ticked stay so, and `tick` is added to them. */
async function showInputs(tick = /** @type {string[]} */ ([])) {
  const ticked = new Set([...sources(), ...tick]);
  try {
    /** @type {InputEntry[]} */
    const files = await send("GET", "/api/inputs");
    inputs.replaceChildren(...files.map((file) => choice(file, ticked.has(file.name))));
    byId("filter-field").hidden = files.length < FILTER_FROM;
    if (!files.length) inputs.append(h("li", { class: "muted" }, "The input folder is empty. Upload something above."));
  } catch (error) {
    inputs.replaceChildren(h("li", { class: "fault" }, error.message));
  }
  tell();
}

filter.addEventListener("input", () => {
  const wanted = filter.value.toLowerCase();
  for (const item of all(inputs, "li")) item.hidden = !item.textContent.toLowerCase().includes(wanted);
});
form.addEventListener("change", tell);

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  fault.textContent = "";
  if (!(await addTyped())) return;
  const files = sources();
  const languages = chosenLanguages();
  if (!files.length) fault.textContent = uploading() ? "Wait until the upload is finished." : "Choose a file.";
  else if (!languages.length) fault.textContent = "Choose a language to dub into.";
  if (fault.textContent) return;
  start.disabled = true;
  const asked = files.map((source) => ({ source, languages, settings: settings(), until: "" }));
  try {
    if (asked.length === 1) {
      const job = await send("POST", "/api/jobs", asked[0]);
      location.href = `/jobs/${encodeURIComponent(job.id)}`;
    } else {
      await send("POST", "/api/jobs/batch", { jobs: asked });
      location.href = "/jobs";
    }
  } catch (error) {
    fault.textContent = error.message;
    start.disabled = false;
  }
});

watchUploads((name) => {
  toast(`${name} is here.`, "good");
  showInputs([name]);
}, tell);
await showInputs(new URLSearchParams(location.search).getAll("source"));
await restoreLanguages();
tell();
