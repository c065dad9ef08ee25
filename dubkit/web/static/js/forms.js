// Forms that are sent to the HTTP interface: data-api="POST /api/…" says where, the fields are the body.
// data-then is where to go afterwards, data-done what to say; data-confirm asks first.
import { closest, field, first, h } from "./dom.js";
import { renewToken, send } from "./http.js";
import { toast } from "./toast.js";

/** @param {HTMLFormElement} form */
function body(form) {
  /** @type {Record<string, string|number>} */
  const values = {};
  for (const { name, value, disabled, hidden, dataset } of /** @type {Iterable<HTMLInputElement>} */ (form.elements)) {
    if (!name || disabled || hidden) continue;
    if (!("number" in dataset)) values[name] = value;
    else if (value.trim()) values[name] = Number(value);
  }
  return values;
}

/** @param {HTMLFormElement} form */
function differs(form) {
  const again = first(form, "[data-same-as]", HTMLInputElement);
  return again && again.value !== field(form, again.dataset.sameAs).value;
}

/** @param {HTMLFormElement} form @param {string} text */
function showFault(form, text) {
  let fault = form.querySelector(".fault");
  if (!fault) {
    fault = h("p", { class: "fault", role: "alert" });
    form.append(fault);
  }
  fault.textContent = text;
}

document.addEventListener("submit", async (event) => {
  const form = closest(event.target, "form[data-api]", HTMLFormElement);
  if (!form || event.defaultPrevented) return;
  event.preventDefault();
  showFault(form, "");
  if (differs(form)) {
    showFault(form, "The two passwords differ.");
    return;
  }
  const [method, url] = form.dataset.api.split(" ");
  const button = /** @type {HTMLButtonElement|null} */ (event.submitter);
  if (button) button.disabled = true;
  try {
    const answer = await send(method, url, method === "DELETE" ? undefined : body(form));
    if (form.dataset.then) {
      if (form.dataset.then === location.pathname) location.reload();
      else location.href = form.dataset.then;
      return;
    }
    // A new password has ended the session that the page's token was made for.
    if (form.querySelector("[type=password]")) await renewToken();
    form.reset();
    if (form.dataset.done) toast(form.dataset.done, "good");
    form.dispatchEvent(new CustomEvent("answered", { detail: answer, bubbles: true }));
  } catch (error) {
    showFault(form, error.message);
  }
  if (button) button.disabled = false;
});
