/** What the page shows: the lines of one language, which one is current, which are picked out. */

/**
 * @import { LineList, ReviewLine, SoundSpan, SpeakerRow } from "../../../types/api"
 * @typedef {{state: "saving"|"saved"|"failed", message?: string}} Saving
 * @typedef {{before: string, id: string, focus: boolean, seek: boolean, scroll: boolean}} Move From line to line.
 * @typedef {object} Events What is told, and what comes with it
 * @property {void} lines All lines are new.
 * @property {string} line One line is.
 * @property {void} speakers
 * @property {Move} current
 * @property {void} selection
 * @property {void} shown
 * @property {string} saving The line that is being saved, or was.
 * @property {void} changed What a render would do is another.
 * @property {string} edit The line whose text is to be opened.
 * @property {void} released A field is closed.
 * @property {void} sounds Music and singing of the source are known, or are others.
 * @property {[number, number]} view What the waveform shows, in seconds.
 * @property {void} leave The list is to have the focus.
 * @property {{id: string, start: number, end: number}} dragging Edges of a line that is being moved.
 */

/** The lines and what is done with them; tells of Events. */
export class Review extends EventTarget {
  /** @param {boolean} canEdit */
  constructor(canEdit) {
    super();
    this.canEdit = canEdit;
    /** @type {Map<string, ReviewLine>} In the order they are spoken. */
    this.lines = new Map();
    /** Number of the last change each line is known with. @type {Map<string, number>} */
    this.seen = new Map();
    /** @type {SpeakerRow[]} */
    this.speakers = [];
    this.duration = 0;
    /** Music and singing of the source. @type {SoundSpan[]} */
    this.sounds = [];
    this.current = "";
    /** @type {Set<string>} */
    this.selected = new Set();
    /** Lines the filter lets through, in order. @type {string[]} */
    this.shown = [];
    /** @type {Map<string, Saving>} */
    this.savings = new Map();
  }

  /**
   * @template {keyof Events} Name
   * @param {Name} name @param {Events[Name]} [detail]
   */
  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /**
   * @template {keyof Events} Name
   * @param {Name} name @param {(detail: Events[Name]) => void} act
   */
  when(name, act) {
    this.addEventListener(name, (event) => act(/** @type {CustomEvent} */ (event).detail));
  }

  /** @param {LineList} answer */
  load(answer) {
    this.lines = new Map(answer.lines.map((line) => [line.id, line]));
    this.seen = new Map(answer.lines.map((line) => [line.id, answer.seen]));
    this.speakers = answer.speakers;
    this.duration = answer.duration;
    this.selected = new Set([...this.selected].filter((id) => this.lines.has(id)));
    if (!this.lines.has(this.current)) this.current = answer.lines[0]?.id ?? "";
    this.hear(answer.sounds);
    this.tell("lines");
  }

  /** @param {SoundSpan[]} sounds */
  hear(sounds) {
    this.sounds = sounds;
    this.tell("sounds");
  }

  /** Take over lines as the server has them now. @param {ReviewLine[]} lines @param {number} [seen] */
  renew(lines, seen) {
    for (const line of lines) {
      if (!this.lines.has(line.id)) continue;
      this.lines.set(line.id, line);
      if (seen !== undefined) this.seen.set(line.id, seen);
      this.nameSpeaker(line);
      this.tell("line", line.id);
    }
  }

  /** A person made a moment ago is known from the first line that has them. @param {ReviewLine} line */
  nameSpeaker(line) {
    if (!line.speaker || this.speakers.some((speaker) => speaker.id === line.speaker)) return;
    /** @type {SpeakerRow} */
    const fresh = { id: line.speaker, name: line.speaker_name, description: "", guessed: false, voice: "", pitch_hz: 0, lines: 1, seconds: line.end - line.start, sample: [line.start, line.end], reference: null };
    this.speakers = [...this.speakers, fresh];
    this.tell("speakers");
  }

  /** @returns {ReviewLine|undefined} */
  get line() {
    return this.lines.get(this.current);
  }

  /** Lines with these ids, as far as they exist. @param {string[]} ids @returns {ReviewLine[]} */
  find(ids) {
    return ids.map((id) => this.lines.get(id)).filter(Boolean);
  }

  /**
   * @param {string} id
   * @param {{focus?: boolean, seek?: boolean, scroll?: boolean}} [how]
   */
  goTo(id, how = {}) {
    if (!this.lines.has(id)) return;
    const before = this.current;
    this.current = id;
    this.tell("current", { before, id, focus: false, seek: false, scroll: true, ...how });
  }

  /** Id of the line `step` places from the current one among those shown. @param {number} step */
  neighbour(step) {
    if (!this.shown.length) return "";
    const at = this.shown.indexOf(this.current);
    if (at < 0) return this.nearestShown(step);
    return this.shown[Math.min(this.shown.length - 1, Math.max(0, at + step))];
  }

  /** @param {number} step */
  nearestShown(step) {
    const number = this.line?.number ?? 0;
    const after = this.shown.find((id) => this.lines.get(id).number > number);
    const before = this.shown.findLast((id) => this.lines.get(id).number < number);
    return (step > 0 ? after ?? before : before ?? after) ?? "";
  }

  /** Lines a command is for: those picked out, else the current one. @returns {string[]} */
  get targets() {
    if (this.selected.size) return [...this.lines.keys()].filter((id) => this.selected.has(id));
    return this.current ? [this.current] : [];
  }

  /** @param {Iterable<string>} ids @param {boolean} on */
  select(ids, on) {
    for (const id of ids) {
      if (on) this.selected.add(id);
      else this.selected.delete(id);
    }
    this.tell("selection");
  }

  /** @param {string} id @param {Saving} saving */
  mark(id, saving) {
    this.savings.set(id, saving);
    this.tell("saving", id);
  }

  /** @param {string} id @returns {number} 0 to 7: which of the colours of the page the speaker has. */
  colour(id) {
    const at = this.speakers.findIndex((speaker) => speaker.id === id);
    return at < 0 ? 7 : at % 8;
  }
}

/** A line with something to look at. @param {ReviewLine} line */
export const isProblem = (line) => line.to_look_at;
