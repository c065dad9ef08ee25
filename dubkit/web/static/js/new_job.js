// The page of a new job: files of the input folder, then one job or a batch of them.
import { make, send, size, toast } from "./http.js";
import { addTyped, chosenLanguages, restoreLanguages } from "./languages.js";
import { uploading, watchUploads } from "./uploads.js";

const form = document.getElementById("new-job");
const inputs = document.getElementById("inputs");
const filter = document.getElementById("filter");
const chosen = document.getElementById("chosen");
const start = document.getElementById("start");
const fault = document.getElementById("fault");
const FILTER_FROM = 8;

const sources = () => [...inputs.querySelectorAll("input:checked")].map((box) => box.value);

function settings() {
  const found = {};
  for (const control of form.querySelectorAll("[name^='set:']")) {
    const value = control.value.trim();
    if (value) found[control.name.slice(4)] = value;
  }
  return found;
}

function plural(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
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
  document.getElementById("plan").replaceChildren();
}

function choice(file, checked) {
  const item = make("li");
  const label = make("label");
  const box = document.createElement("input");
  box.type = "checkbox";
  box.name = "source";
  box.value = file.name;
  box.checked = checked;
  label.append(box, make("span", "wrap", file.name), make("span", "size", size(file.size)));
  item.append(label);
  return item;
}

/** Show the files of the input folder; those that were ticked stay so, and `tick` is added to them. */
async function showInputs(tick = []) {
  const ticked = new Set([...sources(), ...tick]);
  try {
    const answer = await send("GET", "/api/inputs");
    const files = answer.inputs || answer.files || answer;
    inputs.replaceChildren(...files.map((file) => choice(file, ticked.has(file.name))));
    document.getElementById("filter-field").hidden = files.length < FILTER_FROM;
    if (!files.length) inputs.append(make("li", "muted", "The input folder is empty. Upload something above."));
  } catch (error) {
    inputs.replaceChildren(make("li", "fault", error.message));
  }
  tell();
}

filter.addEventListener("input", () => {
  const wanted = filter.value.toLowerCase();
  for (const item of inputs.children) item.hidden = !item.textContent.toLowerCase().includes(wanted);
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
