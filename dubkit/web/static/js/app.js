// What every page has: the theme, times in the reader's own zone, toasts, the token on htmx requests,
// and questions before something is lost.
import "./forms.js";
import { csrfToken, toast } from "./http.js";

const THEMES = ["auto", "light", "dark"];
const KEY = "dubkit-theme";

function themeNow() {
  return document.documentElement.dataset.theme || "auto";
}

function showTheme() {
  const name = { auto: "Auto", light: "Light", dark: "Dark" }[themeNow()];
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    button.querySelector("[data-theme-name]").textContent = name;
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

/** Show every <time> below `root` in the reader's own zone, with the full time as its title. */
export function localTimes(root = document) {
  for (const element of root.querySelectorAll("time[datetime]:not([data-clock])")) {
    const when = new Date(element.dateTime);
    if (Number.isNaN(when.valueOf())) continue;
    element.textContent = when.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    element.title = when.toLocaleString([], { dateStyle: "full", timeStyle: "long" });
  }
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-theme-toggle]")) nextTheme();
});
// In the capturing phase, so that it is asked before a form is sent.
document.addEventListener(
  "submit",
  (event) => {
    const question = event.target.dataset.confirm;
    if (question && !window.confirm(question)) event.preventDefault();
  },
  true,
);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const open of document.querySelectorAll("details.menu[open]")) {
    open.open = false;
    open.querySelector("summary").focus();
  }
});
document.addEventListener("htmx:config:request", (event) => {
  const request = event.detail.ctx?.request;
  if (request) request.headers["X-CSRF-Token"] = csrfToken();
});
document.addEventListener("htmx:after:swap", () => localTimes());
document.addEventListener("htmx:error", () => toast("The server cannot be reached.", "bad"));

showTheme();
localTimes();
