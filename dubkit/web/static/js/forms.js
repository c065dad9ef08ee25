// Forms that are sent to the HTTP interface: data-api="POST /api/…" says where, the fields are the body.
// data-then is where to go afterwards, data-done what to say; data-confirm asks first.
import { renewToken, send, toast } from "./http.js";

function body(form) {
  const found = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled || field.hidden) continue;
    const value = field.value;
    if ("number" in field.dataset) {
      if (value.trim()) found[field.name] = Number(value);
    } else {
      found[field.name] = value;
    }
  }
  return found;
}

function differs(form) {
  const field = form.querySelector("[data-same-as]");
  return field && field.value !== form.elements[field.dataset.sameAs].value;
}

function showFault(form, text) {
  let fault = form.querySelector(".fault");
  if (!fault) {
    fault = document.createElement("p");
    fault.className = "fault";
    fault.setAttribute("role", "alert");
    form.append(fault);
  }
  fault.textContent = text;
}

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-api]");
  if (!form || event.defaultPrevented) return;
  event.preventDefault();
  showFault(form, "");
  if (differs(form)) {
    showFault(form, "The two passwords differ.");
    return;
  }
  const [method, url] = form.dataset.api.split(" ");
  const button = event.submitter;
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
