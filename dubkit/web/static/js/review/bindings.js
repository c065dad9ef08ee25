/** Which key does what on the review page. */

import { debounce } from "../debounce.js";
import { byId } from "../dom.js";
import { pickSpeaker } from "./selection.js";
import { playLine } from "./transport.js";
import { SHORTEST, saveEdges } from "./edges.js";
import { nextText } from "./texts.js";

/**
 * @import { Commands } from "./commands.js"
 * @import { Inspector } from "./inspector.js"
 * @import { Binding } from "./keys.js"
 * @import { Page } from "./main.js"
 * @import { Review } from "./review.js"
 */

/** Seconds an edge moves with one press. */
const NUDGE = 0.05;

/** @param {Page} page @returns {Binding[]} */
export function bindings(page) {
  return [...listening(page), ...moving(page), ...editing(page), ...many(page)];
}

/** @param {Page} page @returns {Binding[]} */
function listening({ players, review, waveform }) {
  const group = "Listen";
  /** @param {number} seconds */
  const jump = (seconds) => () => players.seek(players.time + seconds);
  const frame = Number(byId("review").dataset.frame);
  return [
    { keys: [" "], label: "Play or pause", group, act: () => players.toggle() },
    { keys: ["Shift+ ", "o"], label: "Play this line only", group, act: () => playLine(players, review) },
    { keys: ["s"], label: "Hear the source or the dub", group, act: () => players.swap() },
    { keys: ["ArrowLeft"], label: "Back one second", group, act: jump(-1) },
    { keys: ["ArrowRight"], label: "On one second", group, act: jump(1) },
    { keys: ["Shift+ArrowLeft"], label: "Back one frame", group, act: jump(-frame) },
    { keys: ["Shift+ArrowRight"], label: "On one frame", group, act: jump(frame) },
    { keys: ["+", "="], label: "Zoom the waveform in", group, act: () => waveform.zoom(1) },
    { keys: ["-"], label: "Zoom the waveform out", group, act: () => waveform.zoom(-1) },
  ];
}

/** @param {Page} page @returns {Binding[]} */
function moving({ review, filters, inspector, production }) {
  const group = "Move";
  /** @param {number} step */
  const go = (step) => () => review.goTo(review.neighbour(step), { focus: true, seek: true });
  return [
    { keys: ["j", "ArrowDown"], label: "Next line", group, act: go(1) },
    { keys: ["k", "ArrowUp"], label: "Previous line", group, act: go(-1) },
    { keys: ["PageDown"], label: "Ten lines on", group, act: go(10) },
    { keys: ["PageUp"], label: "Ten lines back", group, act: go(-10) },
    { keys: ["Home"], label: "First line", group, act: go(-Infinity) },
    { keys: ["End"], label: "Last line", group, act: go(Infinity) },
    { keys: ["n"], label: "Next problem", group, act: () => filters.problem(1) },
    { keys: ["p"], label: "Previous problem", group, act: () => filters.problem(-1) },
    { keys: ["/"], label: "Search", group, act: () => byId("search").focus() },
    { keys: ["i"], label: "To the fields and takes of the line", group, act: () => inspector.focus() },
    { keys: ["Escape"], label: "Back to the list; restore what is typed; close notes of jobs", group, act: () => production.dismissEnded() || (inspector.close(), review.tell("leave")) },
    { keys: ["?"], label: "These keys", group, act: () => byId("help", HTMLDialogElement).showModal() },
  ];
}

/** @param {Page} page @returns {Binding[]} */
function editing({ review, commands, production, inspector, recorder }) {
  const group = "This line";
  const [edits, repeats] = [true, true];
  const nudge = nudging(review, inspector);
  return [
    { keys: ["e", "Enter"], label: "Edit the text (Ctrl+Enter saves)", group, edits, act: () => review.tell("edit", review.current) },
    { keys: ["a"], label: "Accept", group, edits, act: () => commands.accept(review.targets) },
    { keys: ["r"], label: "Regenerate", group, edits, act: () => production.regenerate(review.targets) },
    { keys: ["d"], label: "New picture, where the lips follow the speech", group, edits, act: () => production.newPicture(review.targets) },
    { keys: ["v"], label: "Record with a microphone", group, edits, act: () => recorder.open() },
    { keys: ["l"], label: "Lock or unlock", group, edits, act: () => commands.toggleLock(review.targets) },
    { keys: ["m"], label: "Write a note", group, edits, act: () => (inspector.open(), byId("field-note").focus()) },
    { keys: ["["], label: "Start earlier", group, edits, repeats, act: () => nudge("start", -NUDGE) },
    { keys: ["]"], label: "Start later", group, edits, repeats, act: () => nudge("start", NUDGE) },
    { keys: ["{"], label: "End earlier", group, edits, repeats, act: () => nudge("end", -NUDGE) },
    { keys: ["}"], label: "End later", group, edits, repeats, act: () => nudge("end", NUDGE) },
    { keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9"], label: "Choose a take", group, edits, act: (event) => chooseTake(inspector, commands, Number(event.key)) },
    { keys: ["t"], label: "Next of the texts that the line may have", group, edits, act: () => nextText(review, commands, 1) },
    { keys: ["T"], label: "The text before", group, edits, act: () => nextText(review, commands, -1) },
    { keys: ["u", "Ctrl+z"], label: "Undo", group, edits, act: () => commands.undo() },
    { keys: ["U", "Ctrl+y", "Ctrl+Shift+z"], label: "Redo", group, edits, act: () => commands.redo() },
    { keys: ["R"], label: "Render the dub", group, edits, act: () => production.render() },
    { keys: ["h"], label: "History", group, act: () => byId("open-history").click() },
  ];
}

/** @param {Page} page @returns {Binding[]} */
function many({ review, commands, list }) {
  const group = "Many lines";
  const [edits, repeats] = [true, true];
  /** @param {number} step */
  const extend = (step) => () => {
    review.select([review.current], true);
    review.goTo(review.neighbour(step), { focus: true });
    review.select([review.current], true);
  };
  return [
    { keys: ["x"], label: "Select the line", group, edits, act: () => list.pick(review.current, !review.selected.has(review.current), false) },
    { keys: ["Shift+ArrowDown", "J"], label: "Select on", group, edits, repeats, act: extend(1) },
    { keys: ["Shift+ArrowUp", "K"], label: "Select back", group, edits, repeats, act: extend(-1) },
    { keys: ["X"], label: "Select all of this speaker", group, edits, act: () => pickSpeaker(review) },
    { keys: ["Ctrl+a"], label: "Select all shown", group, edits, act: () => review.select(review.shown, true) },
    { keys: ["c"], label: "Select none", group, edits, act: () => review.select([...review.selected], false) },
    { keys: ["w"], label: "Say who speaks", group, edits, act: () => commands.assign(review.targets) },
  ];
}

/** Move an edge with each press, and save once the presses stop. @param {Review} review @param {Inspector} inspector */
function nudging(review, inspector) {
  /** @type {Map<string, {start: number, end: number}>} */
  const moved = new Map();
  const save = debounce(() => {
    for (const [id, { start, end }] of moved) saveEdges(inspector.saver, review.lines.get(id), start, end);
    moved.clear();
  }, 600);
  return (/** @type {"start"|"end"} */ edge, /** @type {number} */ by) => {
    const line = review.line;
    if (!line || line.locked) return;
    const edges = moved.get(line.id) ?? { start: line.start, end: line.end };
    edges[edge] = inspector.within(line, edge, edges[edge] + by);
    if (edges.end - edges.start < SHORTEST) return;
    moved.set(line.id, edges);
    review.tell("dragging", { id: line.id, ...edges });
    save();
  };
}

/** @param {Inspector} inspector @param {Commands} commands @param {number} number */
function chooseTake(inspector, commands, number) {
  const take = inspector.details?.takes[number - 1];
  if (take && !take.chosen) commands.choose(take.take);
}
