// The page of a new film: goes to the page of its job, and puts an example in.
import "./forms.js";
import { first } from "./dom.js";

const form = first(document, "#film", HTMLFormElement);
/** @typedef {CustomEvent<{id: string}>} Answered */
const storyboard = first(document, "#storyboard", HTMLTextAreaElement);
const example = first(document, "#example", HTMLButtonElement);

form.addEventListener("answered", (event) => {
  location.href = `/jobs/${/** @type {Answered} */ (event).detail.id}`;
});

example.addEventListener("click", () => {
  storyboard.value = example.dataset.example;
  storyboard.focus();
});
