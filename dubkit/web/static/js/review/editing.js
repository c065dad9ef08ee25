/** Editing the translated text where it stands. */

import { h } from "../dom.js";
import { say } from "./announce.js";
import { dubLanguage } from "./language.js";

/**
 * @import { LineList } from "./list.js"
 * @import { Review } from "./review.js"
 * @import { Saver } from "./saver.js"
 */

export class TextEditing {
  /**
   * @param {Review} review @param {Saver} saver
   * @param {LineList} list
   */
  constructor(review, saver, list) {
    this.review = review;
    this.saver = saver;
    this.list = list;
    /** @type {{id: string, field: HTMLTextAreaElement}|null} */
    this.open = null;
    review.when("edit", (id) => this.begin(id));
    addEventListener("beforeunload", (event) => {
      if (this.open && this.open.field.value !== saver.text(this.open.id)) event.preventDefault();
    });
  }

  /** @param {string} id */
  begin(id) {
    const row = this.list.row(id);
    if (!this.review.canEdit || !row || this.open?.id === id) return this.open?.field.focus();
    this.close();
    const line = this.review.lines.get(id);
    if (line.locked) return say(`Line ${line.number} is locked. Unlock it to change its text.`);
    this.saver.hold(id, "text");
    const field = h("textarea", { class: "edit", rows: "1", dir: "auto", lang: dubLanguage(), "aria-label": `Text of line ${line.number}`, "aria-describedby": "edit-hint", spellcheck: "true" });
    field.value = this.saver.text(id);
    field.addEventListener("input", () => grow(field));
    field.addEventListener("keydown", (event) => this.pressed(event));
    field.addEventListener("blur", () => this.close());
    row.querySelector(".text").replaceWith(field);
    row.classList.add("editing");
    this.open = { id, field };
    grow(field);
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    event.stopPropagation();
    if (event.isComposing) return;
    if (event.key === "Escape") {
      event.preventDefault();
      this.close({ restore: true, focus: true });
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.close({ focus: true });
    }
  }

  /** End editing; saves what was changed unless it is to be restored. */
  close({ restore = false, focus = false } = {}) {
    if (!this.open) return;
    const { id, field } = this.open;
    this.open = null;
    const row = this.list.row(id);
    const typed = field.value.trim();
    const changed = !restore && typed !== this.saver.text(id);
    field.replaceWith(h("p", { class: "text", dir: "auto" }));
    row?.classList.remove("editing");
    if (changed) this.saver.save(id, { text: typed });
    this.saver.release(id, "text");
    this.list.refresh(id);
    if (focus) row?.focus({ preventScroll: true });
  }
}

/** Make a field as high as its text. @param {HTMLTextAreaElement} field */
export function grow(field) {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + 2}px`;
}
