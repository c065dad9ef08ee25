// The page of a new job: files of the input folder, then one job or a batch of them.
import { all, byId, closest, h } from "./dom.js";
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
const me = document.body.dataset.person;
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

/** What is chosen, and what is still missing, in words. @param {number} files @param {number} languages */
function summary(files, languages) {
  if (files && languages) return `${plural(files, "file")} into ${plural(languages, "language")}: ${plural(files, "job")}.`;
  if (files) return `${plural(files, "file")}. Choose a language to dub into.`;
  if (languages) return `${plural(languages, "language")}. Choose a file.`;
  return "Nothing is chosen yet.";
}

function tell() {
  const waits = uploading();
  chosen.textContent = summary(sources().length, chosenLanguages().length);
  if (waits) chosen.textContent += ` ${plural(waits, "upload")} not finished.`;
  fault.textContent = "";
  byId("plan").replaceChildren();
}

/** Whose a file is, in words; empty for one that is everybody's. @param {InputEntry} file */
function whose({ owner, shared }) {
  if (!owner) return "";
  if (shared.includes("*")) return "everybody's";
  const others = shared.length ? `, shared with ${shared.join(", ")}` : "";
  return owner === me ? `yours${others}` : `${owner}'s${others}`;
}

/** @param {InputEntry} file @param {boolean} checked */
function choice(file, checked) {
  const box = h("input", { type: "checkbox", name: "source", value: file.name });
  box.checked = checked;
  const facts = h("span", { class: "size" }, [whose(file), size(file.size)].filter(Boolean).join(" · "));
  const item = h("li", {}, h("label", {}, box, h("span", { class: "wrap" }, file.name), facts));
  if (file.owner && (file.owner === me || document.body.dataset.role === "admin")) item.append(sharing(file, facts));
  return item;
}

/** Who else may use an upload. @param {InputEntry} file @param {HTMLElement} facts Where it is said */
function sharing(file, facts) {
  const people = h("input", { type: "text", value: file.shared.filter((name) => name !== "*").join(", "), placeholder: "ana, bruno", autocomplete: "off", "aria-label": `People who may use ${file.name}` });
  const everybody = h("input", { type: "checkbox" });
  everybody.checked = file.shared.includes("*");
  const fault = h("span", { class: "fault", role: "alert" });
  const save = async () => {
    const names = people.value.split(",").map((name) => name.trim()).filter(Boolean);
    fault.textContent = "";
    try {
      const now = await send("PUT", `/api/inputs/${file.name.split("/").map(encodeURIComponent).join("/")}/access`, { people: everybody.checked ? [...names, "*"] : names });
      facts.textContent = `${whose(now)} · ${size(now.size)}`;
      toast("Saved.", "good");
    } catch (error) {
      fault.textContent = error.message;
    }
  };
  const drop = async () => {
    if (!window.confirm(`Move ${file.name} to the trash? Episodes that were made from it stay.`)) return;
    try {
      await send("DELETE", `/api/inputs/${file.name.split("/").map(encodeURIComponent).join("/")}`);
      toast(`${file.name} is in the trash.`, "good");
      await showInputs();
    } catch (error) {
      fault.textContent = error.message;
    }
  };
  return h(
    "details",
    { class: "small sharing" },
    h("summary", {}, "Who may use it; delete"),
    h("div", { class: "inline" }, people, h("label", { class: "check" }, everybody, "Everybody"), h("button", { type: "button", class: "btn little", on: { click: save } }, "Save"), h("button", { type: "button", class: "btn little danger", "aria-label": `Delete ${file.name}`, on: { click: drop } }, "Delete")),
    fault,
  );
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
form.addEventListener("change", (event) => closest(event.target, ".sharing") || tell());

/** A refusal in words: jobs of a batch are called by their file, and no field by its name in the interface. @param {string} text @param {string[]} files */
function refusal(text, files) {
  const named = text.replace(/\bjobs\.(\d+)\./g, (_, at) => (files[Number(at)] ? `${files[Number(at)]}: ` : ""));
  return named.replace(/(^|; |: )(?:source|until|languages(?:\.\d+)?|settings(?:\.[\w.]+)?): /g, "$1");
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  fault.textContent = "";
  if (!(await addTyped())) return byId("language").focus();
  const files = sources();
  const languages = chosenLanguages();
  if (!files.length) fault.textContent = uploading() ? "Wait until the upload is finished." : "Choose a file.";
  else if (!languages.length) fault.textContent = "Choose a language to dub into.";
  if (fault.textContent) return undefined;
  start.disabled = true;
  const asked = files.map((source) => ({ source, languages, settings: settings(), until: "" }));
  try {
    if (asked.length === 1) {
      const job = await send("POST", "/api/jobs", asked[0]);
      location.href = `/jobs/${encodeURIComponent(job.id)}`;
    } else {
      const jobs = await send("POST", "/api/jobs/batch", { jobs: asked });
      location.href = `/jobs?batch=${jobs[0].batch}`;
    }
  } catch (error) {
    fault.textContent = refusal(error.message, files);
    start.disabled = false;
  }
  return undefined;
});

watchUploads((name) => {
  toast(`${name} is here.`, "good");
  showInputs([name]);
}, tell);
await showInputs(new URLSearchParams(location.search).getAll("source"));
await restoreLanguages();
tell();
