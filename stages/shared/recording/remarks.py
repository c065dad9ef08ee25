"""What is to be said of recordings that are not used, whether or not anything runs."""

from __future__ import annotations

from collections.abc import Iterator

from dubkit.episode.context import Context
from dubkit.episode.recordings import MICROPHONE, Recording, misplaced_remarks
from dubkit.errors import DubkitError
from dubkit.types import Remark, remark
from stages.shared.recording.recordings import ENGINE, INPUT, RecordedLine, recorded_takes
from stages.shared.takes import chosen_speech


def recording_remarks(context: Context) -> list[Remark]:
    """Return remarks on recordings of a language that are not used, and on lines that were recorded once."""
    if not context.store.has("translation.json", context.language):
        return []
    try:
        return [
            *context.recordings.remarks,
            *_unused(context),
            *_gone(context),
            *misplaced_remarks(context.store, context.language),
        ]
    except DubkitError:
        return []  # what is damaged is reported by whoever needs it


def _unused(context: Context) -> Iterator[Remark]:
    routes, texts = context.routes, {line.id: line.text for _, line in context.lines}
    for line, recording in context.recordings.of.items():
        route = routes.get(line, "voice")
        if route == "keep":
            why = "the line keeps the source's sound. Give it the route voice"
        elif not texts.get(line):
            why = "the line has no text. Give it one"
        elif route == "lipdub":
            why = "the line is spoken in its generated clip. Give it the route voice"
        else:
            yield from _held_back(context, recording)
            continue
        yield remark("recording-not-used", f"{recording.name} is not used: {why}.", line)


def _held_back(context: Context, recording: Recording) -> Iterator[Remark]:
    chosen = chosen_speech(context, recording.line)
    if chosen is None:
        return
    record = context.store.take_record(chosen.take, context.language)
    content = context.digest(RecordedLine(recording.line, recording).content)
    if record is not None and content in record.parts.inputs.values():
        return
    edit = context.placed.lines[recording.line]
    act = "Unlock the line" if edit.lock else "Take the choice back (--clear take)"
    said = f"{recording.name} is not used: the line keeps take {chosen.take}. {act} to use the recording."
    yield remark("recording-held-back", said, recording.line)


def _gone(context: Context) -> Iterator[Remark]:
    """Yield the lines whose recording was taken away, so that the voice engine speaks them again."""
    for segment, line in context.lines:
        if line.id in context.recordings.lines or chosen_speech(context, line.id):
            continue
        if len(context.store.take_folders(line.id, context.language)) < 2:
            continue
        record = context.record("speak", line.id)
        if record is None or any(name.startswith(INPUT) for name in record.parts.inputs):
            continue
        last = next((take for _, take in reversed(list(recorded_takes(context, segment.id)))), None)
        if last is not None and last.engine == ENGINE and not last.voice.startswith(f"{MICROPHONE}/"):
            said = f"Its recording {last.voice} is there no more: the voice engine speaks the line again."
            yield remark("recording-removed", said, line.id)
