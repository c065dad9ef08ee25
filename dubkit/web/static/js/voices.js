// The voices that speak a language, for the fields that name one.
import { h } from "./dom.js";
import { plural } from "./format.js";
import { send } from "./http.js";

/** @import { VoiceChoice, Voices } from "../../types/api" */

/** @type {Map<string, Promise<Voices|null>>} */
const asked = new Map();

/** The voices of an episode in a language; null when they cannot be read. @param {string} root `/api/episodes/NAME/TAG` @returns {Promise<Voices|null>} */
export function voicesOf(root) {
  if (!asked.has(root)) {
    const answer = send("GET", `${root}/voices`).catch(() => {
      asked.delete(root);
      return /** @type {Voices|null} */ (null);
    });
    asked.set(root, answer);
  }
  return asked.get(root);
}

/** What a voice sounds like, in words. @param {VoiceChoice} voice */
const sounds = ({ title, gender, pitch_hz: pitch }) => [gender, title, pitch ? `${Math.round(pitch)} Hz` : ""].filter(Boolean).join(", ");

/** Offer voices for a field. @param {HTMLElement} list A datalist @param {Voices} found */
export function offer(list, found) {
  list.replaceChildren(...found.voices.map((voice) => h("option", { value: voice.name, label: [voice.name, sounds(voice)].filter(Boolean).join(": ") })));
}

/** What is to be said of a name that stands in a field. @param {Voices|null} found @param {string} name */
export function aboutVoice(found, name) {
  if (!found) return "";
  const voice = found.voices.find((one) => one.name === name);
  if (voice) return sounds(voice);
  const listed = found.voices.length ? `${plural(found.voices.length, "voice")} to choose from` : "";
  return [found.engine, name ? "" : listed, found.note].filter(Boolean).join(". ");
}

/** Why a name is no voice; empty when it is one, or may be one. @param {Voices|null} found @param {string} name */
export function noVoice(found, name) {
  if (!found || !name || found.others || !found.voices.length || found.voices.some((voice) => voice.name === name)) return "";
  return `There is no voice “${name}”. Choose one from the list: ${found.voices.map((voice) => voice.name).join(", ")}.`;
}
