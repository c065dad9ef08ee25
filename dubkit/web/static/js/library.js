// The library: a search over the episodes, and who may see them.
import { send, toast } from "./http.js";

function filter() {
  const wanted = document.getElementById("find")?.value.toLowerCase() ?? "";
  for (const series of document.querySelectorAll("[data-series]")) {
    const title = series.querySelector("h2").textContent.toLowerCase();
    let shown = 0;
    for (const episode of series.querySelectorAll("[data-episode]")) {
      episode.hidden = !`${title} ${episode.textContent}`.toLowerCase().includes(wanted);
      shown += episode.hidden ? 0 : 1;
    }
    series.hidden = !shown;
  }
}

document.addEventListener("input", (event) => event.target.id === "find" && filter());

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("[data-share]");
  if (!form) return;
  event.preventDefault();
  const people = form.elements.people.value.split(",").map((name) => name.trim()).filter(Boolean);
  if (form.elements.everybody.checked) people.push("*");
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    await send("PUT", `/api/episodes/${encodeURIComponent(form.dataset.share)}/access`, { people });
    form.elements.people.defaultValue = form.elements.people.value;
    form.elements.everybody.defaultChecked = form.elements.everybody.checked;
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
