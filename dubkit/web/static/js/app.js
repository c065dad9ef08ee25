// What every page has: the theme, times in the reader's own zone, forms, and questions before something is lost.
import { all, closest, first } from "./dom.js";
import "./forms.js";
import { renewToken } from "./http.js";
import "./swaps.js";
import { localTimes } from "./times.js";

const THEMES = ["auto", "light", "dark"];
/** @type {Record<string, string>} */
const NAMES = { auto: "Auto", light: "Light", dark: "Dark" };
const KEY = "dubkit-theme";

function themeNow() {
  return document.documentElement.dataset.theme || "auto";
}

function showTheme() {
  const name = NAMES[themeNow()];
  for (const button of all(document, "[data-theme-toggle]")) {
    first(button, "[data-theme-name]").textContent = name;
    button.setAttribute("aria-label", `Theme: ${name}. Change it.`);
  }
}

function nextTheme() {
  const next = THEMES[(THEMES.indexOf(themeNow()) + 1) % THEMES.length];
  if (next === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // Storage may be forbidden; the choice then holds for this page.
  }
  showTheme();
}

document.addEventListener("click", (event) => {
  if (closest(event.target, "[data-theme-toggle]")) nextTheme();
});
// In the capturing phase, so that it is asked before a form is sent.
document.addEventListener(
  "submit",
  (event) => {
    const question = closest(event.target, "form").dataset.confirm;
    if (question && !window.confirm(question)) event.preventDefault();
  },
  true,
);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const open of all(document, "details.menu[open]", HTMLDetailsElement)) {
    open.open = false;
    open.querySelector("summary").focus();
  }
});
// A form that the browser sends carries the token of the session as it is then.
document.addEventListener("submit", async (event) => {
  const form = closest(event.target, "form", HTMLFormElement);
  if (event.defaultPrevented || !form.elements.namedItem("csrf_token") || !document.body.dataset.role) return;
  event.preventDefault();
  await renewToken(true);
  form.submit();
});

showTheme();
localTimes();
