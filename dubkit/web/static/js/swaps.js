// What htmx may put into a page: no error, no empty answer, and nothing over what somebody is typing.
import { all } from "./dom.js";
import { csrfToken, renewToken, words } from "./http.js";
import { localTimes } from "./times.js";
import { toast } from "./toast.js";

/** Stands until the next good answer, so that asking every few seconds says it once. @type {HTMLElement|null} */
let trouble = null;

/** @param {string} message */
const complain = (message) => (trouble ??= toast(message, "bad"));

/** @param {HTMLInputElement|HTMLTextAreaElement} field */
function differs(field) {
  const ticks = field instanceof HTMLInputElement && field.type === "checkbox";
  return ticks ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
}

/** Whether something below `root` was typed and not sent. @param {ParentNode} root */
function typed(root) {
  /** @type {NodeListOf<HTMLInputElement|HTMLTextAreaElement>} */
  const fields = root.querySelectorAll("input:not([type=hidden]), textarea");
  return [...fields].some(differs);
}

/** Go to the login page and come back afterwards; never away from what was typed. */
export function logIn() {
  if (typed(document)) complain(words(null, 401));
  else location.href = `/login?next=${encodeURIComponent(location.pathname + location.search)}`;
}

/** The sentence that the server has put in place of the part, if any. @param {string} text */
const sentence = (text) => new DOMParser().parseFromString(text, "text/html").querySelector(".notice")?.textContent.trim();

/** @param {HtmxContext} context */
async function refused({ request, response, sourceElement, text }) {
  if (response.status === 401) return logIn();
  const used = request.headers["X-CSRF-Token"];
  if (response.status === 403 && request.method !== "GET" && (await renewToken()) !== used) return sourceElement.click();
  complain(sentence(text) || words(null, response.status));
}

document.addEventListener("htmx:config:request", (event) => {
  event.detail.ctx.request.headers["X-CSRF-Token"] = csrfToken();
});
document.addEventListener("htmx:error", (event) => {
  const { ctx } = event.detail;
  if (ctx && !ctx.response) complain("The server cannot be reached.");
});
document.addEventListener("htmx:after:request", (event) => {
  const { ctx } = event.detail;
  if (ctx.response.status >= 400) {
    event.preventDefault();
    refused(ctx);
    return;
  }
  trouble?.remove();
  trouble = null;
});
document.addEventListener("htmx:before:swap", (event) => {
  const { ctx, tasks } = event.detail;
  if (ctx.select && !tasks.some((task) => task.fragment.hasChildNodes())) event.preventDefault();
  for (const one of all(document, "form, details[open]:has(form)")) {
    if (one.tagName === "DETAILS" || typed(one)) one.setAttribute("hx-morph-skip", "");
  }
});
document.addEventListener("htmx:finally:swap", () => {
  for (const one of document.querySelectorAll("[hx-morph-skip]")) one.removeAttribute("hx-morph-skip");
});
document.addEventListener("htmx:after:swap", () => localTimes());
