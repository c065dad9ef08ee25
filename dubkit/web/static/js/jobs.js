// The list of jobs: a day is one of the reader's own zone.
import { byId, field } from "./dom.js";

byId("find-jobs", HTMLFormElement).addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.currentTarget);
  const day = field(form, "day").value;
  field(form, "offset").value = day ? String(new Date(`${day}T00:00`).getTimezoneOffset()) : "";
});
