"""The lines of a dub for review: texts, times, measures, and flags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dubkit.episode.context import Context
from dubkit.episode.edits import LineEdit, edit_fields, lock_conflict
from dubkit.episode.store import Record, canonical, decode_json
from dubkit.errors import DubkitError, EditRefused
from dubkit.qc.check import shown_measure
from dubkit.review.takes import GENERATING, current_take, takes_to_compare
from dubkit.types import SAMPLE_RATE, EpisodeQc, Line, LineQc, LineRoute, Route, Segment, SpokenLine

LONGEST_NAME = 80
"""Characters of the longest name of a line or a range of lines."""


@dataclass(frozen=True, slots=True)
class ReviewLine:
    """One line with everything about it. Times are seconds of the episode."""

    number: int
    """From 1, in order of time."""
    id: str
    start: float
    end: float
    speaker: str
    speaker_name: str
    source: str
    text: str
    candidates: tuple[str, ...]
    route: Route
    reason: str
    """Why it has this route; empty when there was no choice."""
    flags: tuple[str, ...]
    conflict: str
    """How the source changed since the line was locked; empty when it did not."""
    locked: bool
    accepted: bool
    note: str
    delivery: str
    voice: str
    """Voice of this line only; empty for that of the speaker."""
    edited: tuple[str, ...]
    """Fields that a person changed."""
    heard: str
    word_error: float | None
    start_error: float | None
    loudness_error: float | None
    measures: dict[str, str]
    """What checks measured besides, as people read it: `{"shouting": "3.2 dB"}`."""
    spoken: float
    """Length of the speech in seconds; 0 while there is none."""
    speed: float
    fit: str
    take: str
    """Take in use: `v002`, or `c0001/v002` where a clip makes the line; empty while there is none."""
    takes: int

    @property
    def to_look_at(self) -> bool:
        """Tell whether it has a flag that nobody accepted, or a conflict or failure."""
        return bool(self.conflict) or "failed" in self.flags or (bool(self.flags) and not self.accepted)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which lines to show; an empty filter shows all."""

    flagged: bool = False
    """Only lines with something to look at."""
    unlocked: bool = False
    unaccepted: bool = False
    speaker: str = ""
    """Id or name."""
    text: str = ""
    """Part of source, text or note; upper and lower case are the same."""

    def takes(self, line: ReviewLine) -> bool:
        """Tell whether a line is shown."""
        said = f"{line.id}\n{line.source}\n{line.text}\n{line.note}".casefold()
        return (
            (not self.flagged or line.to_look_at)
            and (not self.unlocked or not line.locked)
            and (not self.unaccepted or not line.accepted)
            and (not self.speaker or self.speaker.casefold() in (line.speaker, line.speaker_name.casefold()))
            and self.text.casefold() in said
        )


def review_lines(context: Context, only: frozenset[str] | None = None) -> list[ReviewLine]:
    """Return the lines of a language in order of time, or some of them."""
    reader = _LineReader(context)
    return [
        reader.line(number, segment, line)
        for number, (segment, line) in enumerate(context.lines, 1)
        if only is None or line.id in only
    ]


def find_lines(context: Context, named: Sequence[str]) -> list[str]:
    """Return the ids of lines given by number (`3`), range (`3-7`) or id (`s0003`). Raises EditRefused."""
    ids = [line.id for _, line in context.lines]
    names: list[str] = []
    for name in named:
        first, dash, last = name.partition("-")
        if len(name) <= LONGEST_NAME and first.isdecimal() and (not dash or last.isdecimal()):
            begin, end = int(first), int(last or first)
            if not 1 <= begin <= end <= len(ids):
                raise EditRefused(f"There is no line {name}; the lines are 1 to {len(ids)}.")
            names.extend(ids[begin - 1 : end])
        elif name in ids:
            names.append(name)
        else:
            raise EditRefused(
                f"There is no line {name[:LONGEST_NAME]}; name it by number (1 to {len(ids)}) or id."
            )
    return list(dict.fromkeys(names))


class _LineReader:
    """Makes review lines from the artifacts of an episode, each read once."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.names = _speaker_names(context)
        self.measured = _measured(context)
        planned = context.clips.routes if context.has_clips else ()
        self.routes: dict[str, LineRoute] = {route.line: route for route in planned}
        self.clips: dict[str, list[str]] = {}
        for clip in context.planned_clips:
            for line in clip.lines:
                self.clips.setdefault(line, []).append(clip.id)

    def line(self, number: int, segment: Segment, line: Line) -> ReviewLine:
        context = self.context
        edit = context.placed.lines.get(line.id) or LineEdit()
        record = context.record("speak", line.id)
        take = _spoken(record)
        measured = self.measured.get(line.id)
        planned = self.routes.get(line.id)
        route = planned.route if planned else line.route
        clips = self.clips.get(line.id, []) if route == "lipdub" else []
        return ReviewLine(
            number=number,
            id=line.id,
            start=segment.start,
            end=segment.end,
            speaker=segment.speaker,
            speaker_name=self.names.get(segment.speaker, segment.speaker),
            source=segment.text,
            text=line.text,
            candidates=line.candidates,
            route=route,
            reason=planned.reason if planned else "",
            flags=_flags(segment, line, take, measured, self._failed(record, clips)),
            conflict=lock_conflict(edit.lock, segment) if edit.lock else "",
            locked=edit.lock is not None,
            accepted=bool(edit.accepted),
            note=edit.note or "",
            delivery=edit.delivery or "",
            voice=edit.voice or "",
            edited=self._edited(segment.id, edit),
            heard=measured.heard if measured else "",
            word_error=measured.word_error if measured else None,
            start_error=measured.start_error if measured else None,
            loudness_error=measured.loudness_error if measured else None,
            measures=_shown(measured),
            spoken=round(take.samples / SAMPLE_RATE, 3) if take else 0.0,
            speed=take.speed if take else 1.0,
            fit=take.fit if take else "",
            take=current_take(context, line.id, clips),
            takes=takes_to_compare(context, line.id, clips),
        )

    def _failed(self, spoken: Record | None, clips: Sequence[str]) -> bool:
        """Tell whether a line, or one of its clips, could not be made."""
        store, language = self.context.store, self.context.language
        records = (store.record(stage, clip, language) for clip in clips for stage in GENERATING)
        return any(record is not None and bool(record.error) for record in (spoken, *records))

    def _edited(self, segment: str, edit: LineEdit) -> tuple[str, ...]:
        source = edit_fields(self.context.placed.segments.get(segment))
        own = {name for name in edit_fields(edit) if name != "seed"}
        return tuple(sorted(own | {"source" if name == "text" else name for name in source}))


def _speaker_names(context: Context) -> dict[str, str]:
    if not context.store.has("cast.json", context.language):
        return {}
    given_names = {speaker: edit.name for speaker, edit in context.speaker_edits.items() if edit.name}
    return {speaker.id: speaker.name for speaker in context.cast.speakers} | given_names


def _measured(context: Context) -> dict[str, LineQc]:
    if not context.store.has("qc.json", context.language):
        return {}
    try:
        measured = context.store.read("qc.json", EpisodeQc, context.language)
    except DubkitError:
        return {}  # `status` reports the damage; the lines can still be reviewed
    return {line.id: line for line in measured.lines}


def _shown(measured: LineQc | None) -> dict[str, str]:
    measures = measured.measures if measured else None
    return {name: shown_measure(name, value) for name, value in (measures or {}).items()}


def _spoken(record: Record | None) -> SpokenLine | None:
    if record is None or record.error or record.value is None:
        return None
    return decode_json(canonical(record.value), SpokenLine)


def _flags(
    segment: Segment, line: Line, take: SpokenLine | None, measured: LineQc | None, failed: bool
) -> tuple[str, ...]:
    flags = [*segment.flags, *line.flags]
    if take is not None:
        flags += take.flags
    if measured is not None and take is not None:
        flags += measured.flags
    if failed:
        flags.append("failed")
    if take is not None and take.text and take.text != line.text:
        flags.append("other-text")
    return tuple(dict.fromkeys(flags))
