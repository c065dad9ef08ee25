// The settings page: a search over the settings, and copying a new token.
import { toast } from "./http.js";

const find = document.getElementById("find");
const changed = document.getElementById("changed");

function show() {
  const wanted = find.value.toLowerCase();
  for (const row of document.querySelectorAll("#settings tbody tr")) {
    const fits = row.textContent.toLowerCase().includes(wanted);
    row.hidden = !fits || (changed.checked && row.dataset.origin === "default");
  }
}

find.addEventListener("input", show);
changed.addEventListener("change", show);
document.getElementById("make-token")?.addEventListener("answered", (event) => {
  const box = document.getElementById("fresh-token");
  document.getElementById("fresh").value = event.detail.token;
  box.hidden = false;
  box.focus();
});
document.querySelector("[data-copy]")?.addEventListener("click", async (event) => {
  const field = document.getElementById(event.currentTarget.dataset.copy);
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    toast("Copied.", "good");
  } catch {
    toast("It is selected; copy it with your keyboard.");
  }
});
