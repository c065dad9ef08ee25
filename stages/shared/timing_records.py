"""Records of how every line came into its time: `segments/0000.json`, for `--timing-debug`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from dubkit.episode.context import Context
from dubkit.episode.line_states import LineState, line_states
from dubkit.episode.line_timing import LineTiming, OwnText, line_timings
from dubkit.types import Candidate, TimingRecord

if TYPE_CHECKING:
    from dubkit.progress import Progress

FOLDER = "segments"
"""Folder of the records in that of a language."""

LEAST = 0.005
"""Seconds, and share of a pace, below which nothing was done to a line."""

_NAME = re.compile(r"\d{4,}\.json")


def write_timing_records(context: Context, _languages: Sequence[str], _progress: Progress) -> None:
    """Write the records of a language's lines, numbered from 0; without `timing.debug` none are left."""
    kept: set[str] = set()
    if context.settings.timing.debug:
        states = line_states(context)
        timings = line_timings(context, states)
        for state in states:
            name = f"{state.number - 1:04d}.json"
            record = timing_record(context, state, timings[state.line.id])
            context.store.write_json(f"{FOLDER}/{name}", record, context.language)
            kept.add(name)
    for path in sorted(context.store.path(FOLDER, context.language).glob("*.json")):
        if _NAME.fullmatch(path.name) and path.name not in kept:
            context.store.drop(f"{FOLDER}/{path.name}", context.language)


def timing_record(context: Context, state: LineState, timing: LineTiming) -> TimingRecord:
    """Return the record of one line."""
    first = {line.id: line.text for line in context.translation.lines}
    before = first.get(state.line.id, "")
    return TimingRecord(
        id=state.line.id,
        speaker=state.segment.speaker,
        source_start=timing.start,
        source_end=timing.end,
        source=state.segment.text,
        before=before,
        text=state.line.text,
        predicted=timing.predicted,
        spread=timing.spread,
        given_start=timing.given_start,
        given=timing.given,
        spoken_start=timing.spoken_start,
        spoken=timing.spoken,
        pace=timing.spoken_pace,
        start_error=timing.start_error,
        too_long=timing.too_long,
        seen=timing.seen,
        fixed=timing.fixed,
        block=timing.block,
        candidates=tuple(map(_candidate, timing.texts)),
        why=timing.why,
        actions=tuple(_actions(timing, before, state.line.text)),
    )


def _candidate(text: OwnText) -> Candidate:
    return Candidate(text.text, text.seconds, text.origin, text.changes, text.losses, text.fidelity)


def _actions(timing: LineTiming, before: str, text: str) -> Iterator[str]:
    """Yield what was done to a line, in words."""
    if timing.predicted is not None and timing.basis in ("schedule", "candidate"):
        yield f"asked how long it is: {timing.predicted:.2f} s"
    if len(timing.texts) > 1:
        yield f"asked for {len(timing.texts)} texts"
    used = next((one for one in timing.texts if one.used), None)
    if used is not None and used.number > 1:
        kind = "shortened" if used.origin == "shortened" else "reworded"
        named = f" ({', '.join(used.changes)})" if used.changes else ""
        saved = timing.texts[0].seconds - used.seconds
        yield f"{kind}{named}: {abs(saved):.2f} s {'shorter' if saved >= 0 else 'longer'}"
    elif text != before and used is None:
        yield "text written by a person"
    yield from _moves(timing)
    if timing.spoken_pace is not None and abs(timing.spoken_pace - 1) >= LEAST:
        yield f"stretched to {1 / timing.spoken_pace:.2f} of its own length"
    if timing.cut:
        yield "cut"


def _moves(timing: LineTiming) -> Iterator[str]:
    start = timing.given_start if timing.spoken_start is None else timing.spoken_start
    length = timing.given if timing.spoken is None else timing.spoken
    if start is None or length is None:
        return
    if abs(start - timing.start) >= LEAST:
        yield f"moved by {start - timing.start:+.2f} s"
    if timing.start - start >= LEAST:
        yield f"borrowed {timing.start - start:.2f} s of the pause before"
    if start + length - timing.end >= LEAST:
        yield f"borrowed {start + length - timing.end:.2f} s of the pause after"
