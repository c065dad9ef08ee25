// The characters: each episode's people are fetched when it is opened; they are named, merged and split in place.
import { Refused, send, toast, words } from "./http.js";

async function load(box, url, swap = "innerHTML") {
  await window.htmx.ajax("GET", url, { target: box, swap });
  const shown = box.querySelector(".cast");
  if (!shown) box.firstElementChild.textContent = "They could not be read. Close this and open it again.";
  else if (url.endsWith(`/${shown.dataset.place}`)) {
    box.dataset.people = url;
    box.dataset.loaded = "yes";
  }
}

function open(details) {
  const box = details.querySelector("[data-people]");
  if (box && details.open && !box.dataset.loaded) load(box, box.dataset.people);
}

const api = (element) => `/api/episodes/${element.closest(".cast").dataset.place}`;
const speaker = (element) => element.closest("[data-speaker]").dataset.speaker;

/** Wait until the server has made the source ready for this browser. Throws Refused when it cannot. */
async function made(url) {
  for (let said = false; ; said = true) {
    const answer = await fetch(url, { headers: { Range: "bytes=0-0" } }).catch(() => null);
    await answer?.body?.cancel();
    if (answer?.status !== 202) {
      if (!answer?.ok) throw new Refused(words(null, answer?.status ?? 0), answer?.status ?? 0);
      return;
    }
    if (!said) toast("The sound of the source is being made ready; it plays in a moment.");
    await new Promise((resolve) => setTimeout(resolve, 1000 * (Number(answer.headers.get("Retry-After")) || 2)));
  }
}

/** Play from `start` to `end` seconds of the source; a second press stops. */
async function play(button) {
  const voice = button.closest(".cast").querySelector(".voice");
  if (!voice.paused && voice.dataset.by === button.dataset.start) {
    voice.pause();
    return;
  }
  voice.dataset.by = button.dataset.start;
  try {
    if (!voice.src) {
      await made(voice.dataset.src);
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

/** Send what a form says and bring the people up to date; what is typed for others stays. */
async function change(form, act, done) {
  const box = form.closest("[data-people]");
  const button = form.querySelector("button");
  const focused = document.activeElement;
  button.disabled = true;
  try {
    await act();
    toast("Saved. It takes effect when the episode is rebuilt.", "good");
    done();
    await load(box, box.dataset.people, "innerMorph");
  } catch (error) {
    toast(error.message, "bad");
  }
  button.disabled = false;
  if (document.activeElement === document.body && focused.checkVisibility()) focused.focus();
}

/** The lines of a person have changed: the form begins anew. */
function fold(form) {
  const details = form.closest("details");
  form.reset();
  details.open = false;
  details.querySelector("summary").focus();
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  const fields = form.elements;
  if ("describe" in form.dataset) {
    event.preventDefault();
    const changed = {};
    for (const name of ["name", "description", "voice"]) {
      if (fields[name].value !== fields[name].defaultValue) changed[name] = fields[name].value;
    }
    if (!Object.keys(changed).length) toast("Nothing was changed.");
    else {
      const url = `${api(form)}/speakers/${encodeURIComponent(speaker(form))}`;
      change(form, () => send("PATCH", url, changed), () => {
        for (const [name, value] of Object.entries(changed)) fields[name].defaultValue = value;
      });
    }
  } else if ("merge" in form.dataset) {
    event.preventDefault();
    const merged = { speakers: [speaker(form)], into: fields.into.value };
    change(form, () => send("POST", `${api(form)}/speakers/merge`, merged), () => fold(form));
  } else if ("split" in form.dataset) {
    event.preventDefault();
    const lines = [...form.querySelectorAll("input:checked")].map((box) => box.value);
    if (!lines.length) toast("Tick the lines of the other person first.", "warn");
    else change(form, () => send("POST", `${api(form)}/speakers/split`, { lines, name: fields.name.value }), () => fold(form));
  }
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if ("play" in button.dataset) play(button);
  if (button.dataset.language) load(button.closest("[data-people]"), button.dataset.language);
});
// toggle does not bubble, so it is caught on its way down.
document.addEventListener("toggle", (event) => open(event.target), true);
// htmx is loaded deferred, as this module is, and stands before it in the page.
for (const details of document.querySelectorAll("main details[open]")) {
  open(details);
  // An address that names an episode leads to it.
  if (location.search) details.scrollIntoView({ block: "start" });
}
