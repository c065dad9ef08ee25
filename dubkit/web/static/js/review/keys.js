/** Keys for everything, and the dialog that lists them. */

import { byId, h, isTyping } from "../dom.js";

/**
 * @typedef {{keys: string[], label: string, group: string, act: (event: KeyboardEvent) => void, edits?: boolean,
 *   repeats?: boolean}} Binding `edits` what a held key does once, unless it `repeats`.
 */

/** Signs that some keyboards have behind Alt, on Windows with Ctrl. */
const BEHIND_ALT = ["[", "]", "{", "}"];

/** Words for keys whose name is not what is printed on them. @type {Record<string, string>} */
const PRINTED = { " ": "Space", ArrowDown: "↓", ArrowUp: "↑", ArrowLeft: "←", ArrowRight: "→", Escape: "Esc", PageDown: "Page ↓", PageUp: "Page ↑" };

export class Keys {
  /** @param {Binding[]} bindings @param {boolean} canEdit */
  constructor(bindings, canEdit) {
    this.bindings = bindings.filter((binding) => canEdit || !binding.edits);
    /** @type {Map<string, Binding>} */
    this.table = new Map(this.bindings.flatMap((binding) => binding.keys.map((key) => [key, binding])));
    document.addEventListener("keydown", (event) => this.pressed(event));
    this.fillHelp();
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    if (event.defaultPrevented || event.isComposing || isTyping(event.target) || document.querySelector("dialog[open]")) return;
    // A key that works the focused button or link is its own.
    const onControl = event.target instanceof Element && event.target.closest("button, a, summary, input, [popover]");
    if (onControl && (event.key === " " || event.key === "Enter")) return;
    const binding = this.table.get(named(event));
    if (!binding) return;
    event.preventDefault();
    if (event.repeat && binding.edits && !binding.repeats) return;
    binding.act(event);
  }

  fillHelp() {
    const groups = [...new Set(this.bindings.map((binding) => binding.group))];
    /** @param {Binding} binding */
    const row = ({ keys, label }) => h("div", {}, h("dt", {}, ...keys.flatMap((key, at) => [at ? " " : "", h("kbd", {}, printed(key))])), h("dd", {}, label));
    /** @param {string} name */
    const group = (name) => h("section", {}, h("h3", {}, name), h("dl", {}, ...this.bindings.filter((one) => one.group === name).map(row)));
    byId("keys").replaceChildren(...groups.map(group));
  }
}

/** @param {string} key */
function printed(key) {
  const parts = key === "+" ? [key] : key.split("+");
  const last = parts.at(-1);
  return [...parts.slice(0, -1), PRINTED[last] ?? (last.length === 1 && parts.length > 1 ? last.toUpperCase() : last)].join("+");
}

/** `j`, `Shift+j` never: a letter with Shift is the capital; other keys are named with what is held. @param {KeyboardEvent} event */
function named(event) {
  if (event.altKey) return BEHIND_ALT.includes(event.key) ? event.key : "";
  const held = event.ctrlKey || event.metaKey ? "Ctrl+" : "";
  if (event.key.length === 1 && event.key !== " ") return held + (held ? (event.shiftKey ? "Shift+" : "") + event.key.toLowerCase() : event.key);
  return held + (event.shiftKey ? "Shift+" : "") + event.key;
}
