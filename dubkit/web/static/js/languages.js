// Target languages as chips: the server says whether a name or tag is a language.
import { all, byId, first, h, icon } from "./dom.js";
import { send } from "./http.js";

const typed = byId("language", HTMLInputElement);
const list = byId("languages");
const fault = byId("language-fault");
const KEY = "dubkit-languages";

export function chosenLanguages() {
  return all(list, "input", HTMLInputElement).map((input) => input.value);
}

/** @param {string} tag @param {string} name */
function chip(tag, name) {
  if (chosenLanguages().includes(tag)) return;
  const remove = h("button", { type: "button", "aria-label": `Remove ${name}` }, icon("cross"));
  const item = h("li", {}, h("span", {}, `${name} (${tag})`), h("input", { type: "hidden", name: "language", value: tag }), remove);
  remove.addEventListener("click", () => {
    item.remove();
    typed.focus();
    changed();
  });
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
  const texts = typed.value.split(",").map((text) => text.trim()).filter(Boolean);
  fault.textContent = "";
  typed.removeAttribute("aria-invalid");
  for (const text of texts) {
    try {
      /** @type {{tag: string, name: string}} */
      const { tag, name } = await send("GET", `/new/language?text=${encodeURIComponent(text)}`);
      chip(tag, name);
    } catch (error) {
      fault.textContent = error.message;
      typed.setAttribute("aria-invalid", "true");
      typed.value = text;
      return false;
    }
  }
  typed.value = "";
  if (texts.length) changed();
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
  typed.value = Array.isArray(last) ? last.join(",") : "";
  await addTyped();
}

typed.addEventListener("keydown", (event) => {
  if (event.key === "Enter" || event.key === ",") {
    event.preventDefault();
    addTyped();
  } else if (event.key === "Backspace" && !typed.value) {
    first(list, "li:last-child button")?.click();
  }
});
byId("add-language").addEventListener("click", () => addTyped().then(() => typed.focus()));
