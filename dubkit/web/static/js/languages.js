// Target languages as chips: the server says whether a name or tag is a language.
import { all, byId, first, h, icon } from "./dom.js";
import { send } from "./http.js";

/**
 * @import { LanguageChoice } from "../../types/api"
 */

const typed = byId("language", HTMLInputElement);
const list = byId("languages");
const fault = byId("language-fault");
const KEY = "dubkit-languages";

export function chosenLanguages() {
  return all(list, "input", HTMLInputElement).map((input) => input.value);
}

/** @param {LanguageChoice} choice */
function chip({ tag, name, hindrance }) {
  if (chosenLanguages().includes(tag)) return;
  const remove = h("button", { type: "button", "aria-label": `Remove ${name}` }, icon("cross"));
  const what = h("span", {}, hindrance ? icon("warning") : null, `${name} (${tag})`);
  const item = h("li", { class: hindrance ? "hindered" : "", title: hindrance || null, data: { hindrance, name } }, what, h("input", { type: "hidden", name: "language", value: tag }), remove);
  remove.addEventListener("click", () => {
    item.remove();
    typed.focus();
    changed();
  });
  list.append(item);
}

/** Say of the languages chosen why nothing here can dub into them. */
function showHindrances() {
  const hindered = all(list, "li.hindered");
  byId("language-hindrances").replaceChildren(...hindered.map(({ dataset }) => h("p", {}, h("strong", {}, `${dataset.name}: `), dataset.hindrance)));
}

function changed() {
  showHindrances();
  try {
    localStorage.setItem(KEY, JSON.stringify(chosenLanguages()));
  } catch {
    // Without storage the next job starts with no language.
  }
  list.dispatchEvent(new Event("change", { bubbles: true }));
}

/** @param {string} text @returns {Promise<LanguageChoice[]>} The language that a text means, or those that it may mean. */
const ask = (text) => send("GET", `/api/languages?text=${encodeURIComponent(text)}`);

/** Say that a word names no language, and what it may mean. @param {string} text @param {LanguageChoice[]} near */
function refuse(text, near) {
  typed.value = text;
  typed.setAttribute("aria-invalid", "true");
  fault.replaceChildren(
    near.length ? `“${text}” names no single language. Did you mean ` : `“${text}” is not a known language. Write its English name, or a tag such as pt-BR.`,
    ...near.map((choice) => h("button", { type: "button", class: "btn little", on: { click: () => take(choice) } }, `${choice.name} (${choice.tag})`)),
    near.length ? "?" : "",
  );
}

/** A proposal is taken in place of what is typed. @param {LanguageChoice} choice */
function take(choice) {
  chip(choice);
  clear();
  typed.value = "";
  typed.focus();
  changed();
}

function clear() {
  fault.textContent = "";
  typed.removeAttribute("aria-invalid");
}

/** Add what is typed; several may be separated by commas. True when nothing is wrong. */
export async function addTyped() {
  const texts = typed.value.split(",").map((text) => text.trim()).filter(Boolean);
  clear();
  for (const text of texts) {
    try {
      const choices = await ask(text);
      if (choices[0]?.exact) chip(choices[0]);
      else {
        refuse(text, choices);
        changed();
        return false;
      }
    } catch (error) {
      fault.textContent = error.message;
      typed.value = text;
      return false;
    }
  }
  typed.value = "";
  if (texts.length) changed();
  return true;
}

/** Mark the languages of the list that nothing on this server can dub into. */
async function markList() {
  const choices = await ask("").catch(() => /** @type {LanguageChoice[]} */ ([]));
  if (!choices.length) return;
  const option = (/** @type {LanguageChoice} */ { tag, name, hindrance }) => h("option", { value: tag, label: hindrance ? `${name}: not possible here` : name }, name);
  byId("known-languages").replaceChildren(...choices.map(option));
}

/** Languages of the last job, so that a series does not ask each time. What is being typed meanwhile stays. */
export async function restoreLanguages() {
  let last = [];
  try {
    last = JSON.parse(localStorage.getItem(KEY) || "[]");
  } catch {
    return;
  }
  try {
    for (const tag of Array.isArray(last) ? last : []) {
      const [choice] = await ask(tag);
      if (choice?.exact) chip(choice);
    }
  } catch (error) {
    fault.textContent = error.message;
  }
  showHindrances();
  list.dispatchEvent(new Event("change", { bubbles: true }));
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
typed.addEventListener("focus", () => markList(), { once: true });
