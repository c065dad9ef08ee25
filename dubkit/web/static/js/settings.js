// The settings page: a search over the settings, and copying a new token.
import { all, byId, first } from "./dom.js";
import { toast } from "./toast.js";

const find = byId("find", HTMLInputElement);
const changed = byId("changed", HTMLInputElement);

function show() {
  const wanted = find.value.toLowerCase();
  let found = 0;
  for (const group of all(document, "#settings [data-group]", HTMLDetailsElement)) {
    const rows = all(group, "tbody tr");
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted) || (changed.checked && row.dataset.origin === "default");
    const shown = rows.filter((row) => !row.hidden).length;
    group.hidden = !shown;
    group.open = shown > 0 && (wanted !== "" || changed.checked);
    found += shown;
  }
  byId("no-settings").hidden = found > 0;
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
