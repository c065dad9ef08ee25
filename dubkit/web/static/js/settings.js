// The settings page: a search over the settings, and copying a new token.
import { all, byId, first } from "./dom.js";
import { toast } from "./toast.js";

const find = byId("find", HTMLInputElement);
const changed = byId("changed", HTMLInputElement);

function show() {
  const wanted = find.value.toLowerCase();
  for (const row of all(document, "#settings tbody tr")) {
    const fits = row.textContent.toLowerCase().includes(wanted);
    row.hidden = !fits || (changed.checked && row.dataset.origin === "default");
  }
}

find.addEventListener("input", show);
changed.addEventListener("change", show);
byId("make-token")?.addEventListener("answered", (event) => {
  const box = byId("fresh-token");
  byId("fresh", HTMLInputElement).value = event.detail.token;
  box.hidden = false;
  box.focus();
});
const copy = first(document, "[data-copy]");
copy?.addEventListener("click", async () => {
  const field = byId(copy.dataset.copy, HTMLInputElement);
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    toast("Copied.", "good");
  } catch {
    toast("It is selected; copy it with your keyboard.");
  }
});
