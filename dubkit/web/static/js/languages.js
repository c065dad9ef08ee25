// Target languages as chips: the server says whether a name or tag is a language.
import { icon, make, send } from "./http.js";

const field = document.getElementById("language");
const list = document.getElementById("languages");
const fault = document.getElementById("language-fault");
const KEY = "dubkit-languages";

export function chosenLanguages() {
  return [...list.querySelectorAll("input")].map((input) => input.value);
}

function chip(tag, name) {
  if (chosenLanguages().includes(tag)) return;
  const item = make("li");
  const input = document.createElement("input");
  input.type = "hidden";
  input.name = "language";
  input.value = tag;
  const remove = document.createElement("button");
  remove.type = "button";
  remove.setAttribute("aria-label", `Remove ${name}`);
  remove.append(icon("cross"));
  remove.addEventListener("click", () => {
    item.remove();
    field.focus();
    changed();
  });
  item.append(make("span", "", `${name} (${tag})`), input, remove);
  list.append(item);
}

function changed() {
  try {
    localStorage.setItem(KEY, JSON.stringify(chosenLanguages()));
  } catch {
    // Without storage the next job starts with no language.
  }
  list.dispatchEvent(new Event("change", { bubbles: true }));
}

/** Add what is typed; several may be separated by commas. True when nothing is wrong. */
export async function addTyped() {
  const typed = field.value.split(",").map((text) => text.trim()).filter(Boolean);
  fault.textContent = "";
  field.removeAttribute("aria-invalid");
  for (const text of typed) {
    try {
      const found = await send("GET", `/new/language?text=${encodeURIComponent(text)}`);
      chip(found.tag, found.name);
    } catch (error) {
      fault.textContent = error.message;
      field.setAttribute("aria-invalid", "true");
      field.value = text;
      return false;
    }
  }
  field.value = "";
  if (typed.length) changed();
  return true;
}

/** Languages of the last job, so that a series does not ask each time. */
export async function restoreLanguages() {
  let last = [];
  try {
    last = JSON.parse(localStorage.getItem(KEY) || "[]");
  } catch {
    return;
  }
  field.value = Array.isArray(last) ? last.join(",") : "";
  await addTyped();
}

field.addEventListener("keydown", (event) => {
  if (event.key === "Enter" || event.key === ",") {
    event.preventDefault();
    addTyped();
  } else if (event.key === "Backspace" && !field.value) {
    list.querySelector("li:last-child button")?.click();
  }
});
document.getElementById("add-language").addEventListener("click", () => addTyped().then(() => field.focus()));
