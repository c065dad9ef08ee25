// The characters: each episode's people are fetched when it is opened; they are named, merged and split in place.
import { all, closest, field, first, h } from "./dom.js";
import { Refused, mediumReady, send, words } from "./http.js";
import { toast } from "./toast.js";
import { aboutVoice, noVoice, offer, voicesOf } from "./voices.js";

/** @param {HTMLElement} box @param {string} url @param {string} [swap] */
async function load(box, url, swap = "innerHTML") {
  await window.htmx.ajax("GET", url, { target: box, swap });
  const shown = first(box, ".cast");
  if (!shown) box.firstElementChild.textContent = "They could not be read. Close this and open it again.";
  else if (url.endsWith(`/${shown.dataset.place}`)) {
    box.dataset.people = url;
    box.dataset.loaded = "yes";
  }
}

/** @param {HTMLDetailsElement} details */
function open(details) {
  const box = first(details, "[data-people]");
  if (box && details.open && !box.dataset.loaded) load(box, box.dataset.people);
}

/** @param {Element} element */
const api = (element) => `/api/episodes/${closest(element, ".cast").dataset.place}`;
/** @param {Element} element */
const speaker = (element) => closest(element, "[data-speaker]").dataset.speaker;

/** Wait until the server has made the source ready. Throws Refused when it cannot. @param {string} url */
async function prepare(url) {
  let told = false;
  const answer = await mediumReady(url, () => {
    if (!told) toast("The sound of the source is being made ready; it plays in a moment.");
    told = true;
  });
  if (!answer?.ok) throw new Refused(words(null, answer?.status ?? 0), answer?.status ?? 0);
}

/** Play from `start` to `end` seconds of the source; a second press stops. @param {HTMLElement} button */
async function play(button) {
  const voice = first(closest(button, ".cast"), ".voice", HTMLAudioElement);
  if (!voice.paused && voice.dataset.by === button.dataset.start) {
    voice.pause();
    return;
  }
  voice.dataset.by = button.dataset.start;
  try {
    if (!voice.src) {
      await prepare(voice.dataset.src);
      voice.src = voice.dataset.src;
    }
    if (voice.dataset.by !== button.dataset.start) return; // somebody else was asked for meanwhile
    voice.ontimeupdate = () => {
      if (voice.currentTime >= Number(button.dataset.end)) voice.pause();
    };
    voice.currentTime = Number(button.dataset.start);
    await voice.play();
  } catch (error) {
    // A play that the next press stops is no failure.
    if (error.name !== "AbortError") toast(error instanceof Refused ? error.message : "This browser cannot play the source.", "bad");
  }
}

/**
 * Send what a form says and bring the people up to date; what is typed for others stays.
 * @param {HTMLFormElement} form @param {() => Promise<unknown>} act @param {() => void} done
 */
async function change(form, act, done) {
  const box = closest(form, "[data-people]");
  const button = form.querySelector("button");
  const focused = /** @type {HTMLElement} */ (document.activeElement);
  button.disabled = true;
  try {
    await act();
    toast("Saved. It takes effect when the episode is rendered again.", "good");
    done();
    await load(box, box.dataset.people, "innerMorph");
  } catch (error) {
    toast(error.message, "bad");
  }
  button.disabled = false;
  if (document.activeElement === document.body && focused.checkVisibility()) focused.focus();
}

/** The lines of a person have changed: the form begins anew. @param {HTMLFormElement} form */
function fold(form) {
  const details = form.closest("details");
  form.reset();
  details.open = false;
  details.querySelector("summary").focus();
}

/** Offer the voices of the language for a field. @param {HTMLInputElement} typed */
async function offerVoices(typed) {
  const cast = closest(typed, ".cast");
  const found = await voicesOf(api(typed));
  if (!found) return;
  const id = `voices-${encodeURIComponent(cast.dataset.place)}`;
  if (!document.getElementById(id)) cast.append(h("datalist", { id }));
  offer(document.getElementById(id), found);
  typed.setAttribute("list", id);
  const tell = () => (first(typed.parentElement, "[data-about]").textContent = noVoice(found, typed.value.trim()) || aboutVoice(found, typed.value.trim()));
  typed.addEventListener("input", tell);
  tell();
}

/** @param {HTMLFormElement} form */
function describe(form) {
  const fields = ["name", "description", "voice"].map((name) => field(form, name));
  const edited = fields.filter(({ value, defaultValue }) => value !== defaultValue);
  const body = Object.fromEntries(edited.map(({ name, value }) => [name, value]));
  if (!edited.length) {
    toast("Nothing was changed.");
    return;
  }
  const url = `${api(form)}/speakers/${encodeURIComponent(speaker(form))}`;
  change(form, () => send("PATCH", url, body), () => {
    for (const one of edited) one.defaultValue = body[one.name];
  });
}

/** @param {HTMLFormElement} form */
function merge(form) {
  const body = { speakers: [speaker(form)], into: field(form, "into", HTMLSelectElement).value };
  change(form, () => send("POST", `${api(form)}/speakers/merge`, body), () => fold(form));
}

/** @param {HTMLFormElement} form */
function split(form) {
  const lines = all(form, "input:checked", HTMLInputElement).map((box) => box.value);
  if (!lines.length) toast("Tick the lines of the other person first.", "warn");
  else change(form, () => send("POST", `${api(form)}/speakers/split`, { lines, name: field(form, "name").value }), () => fold(form));
}

/** @param {Element} element @param {string} what */
const voiceOf = (element, what) => `${api(element)}/speakers/${encodeURIComponent(speaker(element))}/${what}`;

/** Another recording was chosen: all forms about it begin anew. @param {HTMLFormElement} form */
function chosen(form) {
  for (const one of all(closest(form, ".reference"), "form", HTMLFormElement)) one.reset();
  fold(form);
}

/** Clone from a piece of the source. @param {HTMLFormElement} form */
function choose(form) {
  const piece = Number(first(form, "input:checked", HTMLInputElement)?.value);
  if (!piece) toast("Choose a piece first.", "warn");
  else change(form, () => send("PUT", voiceOf(form, "reference"), { piece }), () => chosen(form));
}

/** Clone from a recording. @param {HTMLFormElement} form */
function give(form) {
  const file = field(form, "recording").files?.[0];
  if (!file) {
    toast("Choose a recording first.", "warn");
    return;
  }
  const sound = new Blob([file], { type: "audio/wav" });
  const said = encodeURIComponent(field(form, "said").value);
  change(form, () => send("POST", `${voiceOf(form, "recording")}?text=${said}`, sound), () => chosen(form));
}

/** Clone from the best recording again. @param {HTMLFormElement} form */
function reset(form) {
  change(form, () => send("DELETE", voiceOf(form, "reference")), () => chosen(form));
}

document.addEventListener("submit", (event) => {
  const form = closest(event.target, "form", HTMLFormElement);
  const acts = { describe, merge, split, choose, give, reset };
  for (const [name, act] of Object.entries(acts)) {
    if (!(name in form.dataset)) continue;
    event.preventDefault();
    act(form);
  }
});
document.addEventListener("focusin", (event) => {
  const typed = closest(event.target, "[data-describe] [name=voice]", HTMLInputElement);
  if (typed && !typed.hasAttribute("list")) offerVoices(typed);
});
document.addEventListener("click", (event) => {
  const button = closest(event.target, "button");
  if (!button) return;
  if ("play" in button.dataset) play(button);
  if (button.dataset.language) load(closest(button, "[data-people]"), button.dataset.language);
});
// toggle does not bubble, so it is caught on its way down.
document.addEventListener("toggle", (event) => event.target instanceof HTMLDetailsElement && open(event.target), true);
// htmx is loaded deferred, as this module is, and stands before it in the page.
for (const details of all(document, "main details[open]", HTMLDetailsElement)) {
  open(details);
  // An address that names an episode leads to it.
  if (location.search) details.scrollIntoView({ block: "start" });
}
