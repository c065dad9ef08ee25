// The library: a search over the episodes, and who may see them.
import { all, byId, closest, field } from "./dom.js";
import { send } from "./http.js";
import { toast } from "./toast.js";

function filter() {
  const wanted = byId("find", HTMLInputElement)?.value.toLowerCase() ?? "";
  for (const series of all(document, "[data-series]")) {
    const title = series.querySelector("h2").textContent.toLowerCase();
    let shown = 0;
    for (const episode of all(series, "[data-episode]")) {
      episode.hidden = !`${title} ${episode.textContent}`.toLowerCase().includes(wanted);
      shown += episode.hidden ? 0 : 1;
    }
    series.hidden = !shown;
  }
}

document.addEventListener("input", (event) => closest(event.target, "#find") && filter());

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
  await window.htmx.ajax("GET", "/", { target: "#main", select: "#main", swap: "outerMorph" });
  filter();
});
