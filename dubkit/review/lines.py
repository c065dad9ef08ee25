"""The lines of a dub for review: texts, times, measures, and flags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dubkit.episode.context import Context
from dubkit.episode.edits import LineEdit, edit_fields
from dubkit.episode.line_states import LineState, line_states
from dubkit.episode.line_timing import LineTiming, line_timings
from dubkit.errors import EditRefused
from dubkit.qc.check import shown_measure, told_measures
from dubkit.review.takes import current_take, takes_to_compare
from dubkit.types import SAMPLE_RATE, LineQc, Route
from stages.shared.reckoning import reckoner

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
    to_look_at: bool
    """Whether a person should look at it."""
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
    timing: LineTiming
    """How long its text takes, when it is spoken, and the texts that it may have."""


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
    names, states = _speaker_names(context), line_states(context, only)
    timings = line_timings(context, states, reckon=reckoner(context))
    return [_review_line(context, state, names, timings[state.line.id]) for state in states]


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


def _review_line(
    context: Context, state: LineState, names: Mapping[str, str], timing: LineTiming
) -> ReviewLine:
    segment, line, edit = state.segment, state.line, state.edit
    take, measured = state.take, state.measured
    return ReviewLine(
        number=state.number,
        id=line.id,
        start=segment.start,
        end=segment.end,
        speaker=segment.speaker,
        speaker_name=names.get(segment.speaker, segment.speaker),
        source=segment.text,
        text=line.text,
        candidates=line.candidates,
        route=state.route.route if state.route else line.route,
        reason=state.route.reason if state.route else "",
        flags=state.flags,
        conflict=state.conflict,
        locked=state.locked,
        accepted=state.accepted,
        to_look_at=state.to_look_at,
        note=edit.note or "",
        delivery=edit.delivery or "",
        voice=edit.voice or "",
        edited=_edited(context, segment.id, edit),
        heard=measured.heard if measured else "",
        word_error=measured.word_error if measured else None,
        start_error=measured.start_error if measured else None,
        loudness_error=measured.loudness_error if measured else None,
        measures=_shown(measured),
        spoken=round(take.samples / SAMPLE_RATE, 3) if take else 0.0,
        speed=take.speed if take else 1.0,
        fit=take.fit if take else "",
        take=current_take(context, line.id, state.clips),
        takes=takes_to_compare(context, line.id, state.clips),
        timing=timing,
    )


def _edited(context: Context, segment: str, edit: LineEdit) -> tuple[str, ...]:
    source = edit_fields(context.placed.segments.get(segment))
    own = {name for name in edit_fields(edit) if name not in ("seed", "picture_seed")}
    return tuple(sorted(own | {"source" if name == "text" else name for name in source}))


def _speaker_names(context: Context) -> dict[str, str]:
    if not context.store.has("cast.json", context.language):
        return {}
    given_names = {speaker: edit.name for speaker, edit in context.speaker_edits.items() if edit.name}
    return {speaker.id: speaker.name for speaker in context.cast.speakers} | given_names


def _shown(measured: LineQc | None) -> dict[str, str]:
    told = told_measures(measured.measures, measured.flags) if measured else {}
    return {name: shown_measure(name, value) for name, value in told.items()}
