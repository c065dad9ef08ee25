// The library: which episodes are shown, and who may see them.
import { debounce } from "./debounce.js";
import { byId, closest, field } from "./dom.js";
import { send } from "./http.js";
import { toast } from "./toast.js";

/** Address of this page with what is chosen now; the list then begins with its first page. */
function address() {
  const form = byId("choose", HTMLFormElement);
  if (!form) return location.pathname + location.search;
  const chosen = [...new FormData(form)].filter(([, value]) => value);
  const query = new URLSearchParams(/** @type {[string, string][]} */ (chosen)).toString();
  return query ? `/?${query}` : "/";
}

const show = debounce(() => {
  const url = address();
  history.replaceState(null, "", url);
  window.htmx.ajax("GET", url, { target: "#episodes", select: "#episodes", swap: "outerMorph" });
}, 250);

for (const kind of ["input", "change"]) document.addEventListener(kind, (event) => closest(event.target, "#choose") && show());

document.addEventListener("submit", async (event) => {
  const form = closest(event.target, "[data-share]", HTMLFormElement);
  if (!form) return;
  event.preventDefault();
  const [names, everybody] = [field(form, "people"), field(form, "everybody")];
  const people = names.value.split(",").map((name) => name.trim()).filter(Boolean);
  if (everybody.checked) people.push("*");
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    await send("PUT", `/api/episodes/${encodeURIComponent(form.dataset.share)}/access`, { people });
    names.defaultValue = names.value;
    everybody.defaultChecked = everybody.checked;
    toast("Saved.", "good");
  } catch (error) {
    toast(error.message, "bad");
  }
  button.disabled = false;
});

// A job that has ended may have made an episode: the list is then read anew.
let before = document.querySelectorAll("#running .going").length;
document.addEventListener("htmx:after:swap", async () => {
  const now = document.querySelectorAll("#running .going").length;
  const ended = now < before;
  before = now;
  if (!ended) return;
  await window.htmx.ajax("GET", location.pathname + location.search, { target: "#main", select: "#main", swap: "outerMorph" });
});
