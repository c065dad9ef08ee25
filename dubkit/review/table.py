"""All lines in one file: out to a spreadsheet or a subtitle editor, and back."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from dubkit.context import Context
from dubkit.errors import EditRefused
from dubkit.media.subtitles import Cue, read_cues
from dubkit.review.changes import LineChange
from dubkit.review.lines import ReviewLine, review_lines
from stages.outputs import target_cues

TEXTS = ("text", "source", "speaker", "route", "voice", "delivery", "note")
SUBTITLES = (".srt", ".vtt", ".ass", ".ssa")
TOLERANCE = 0.0015
"""Seconds that a time loses in a subtitle file."""


def read_changes(context: Context, file: Path) -> dict[str, LineChange]:
    """Return what a file changes: a table of `dubkit export --format csv`, or subtitles.

    Rows of a table are found by `id`; an empty cell takes an edit back, a column that is not there changes
    nothing. Subtitles are taken in order when there are as many as lines, else by time.
    Raises EditRefused naming the row.
    """
    lines = review_lines(context)
    if file.suffix.lower() in SUBTITLES:
        return _from_cues(context, lines, file)
    if file.suffix.lower() != ".csv":
        raise EditRefused(f"{file}: takes .csv, {', '.join(SUBTITLES)}, not {file.suffix or 'this'}.")
    return _from_table(lines, file)


def _from_table(lines: Sequence[ReviewLine], file: Path) -> dict[str, LineChange]:
    by_id = {line.id: line for line in lines}
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EditRefused(f"{file}: cannot be read as a table in UTF-8 ({error}).") from None
    if rows and "id" not in rows[0]:
        raise EditRefused(f"{file}: has no column id. Columns of dubkit export --format csv are understood.")
    changes: dict[str, LineChange] = {}
    for number, row in enumerate(rows, 2):
        line = by_id.get(row["id"] or "")
        if line is None:
            raise EditRefused(f"{file} row {number}: there is no line {row['id']!r}.")
        change = _row_change(line, row, f"{file} row {number}")
        if change is not None:
            changes[line.id] = change
    return changes


def _row_change(line: ReviewLine, row: dict[str, str], place: str) -> LineChange | None:
    found: dict[str, str | float] = {}
    for name in TEXTS:
        value = row.get(name)
        if value is not None and " ".join(value.split()) != getattr(line, name):
            found[name] = value
    for name in ("start", "end"):
        value = row.get(name)
        if value is None or not value.strip():
            continue
        try:
            seconds = float(value)
        except ValueError:
            raise EditRefused(f"{place}: {name} {value!r} is not a number of seconds.") from None
        if abs(seconds - getattr(line, name)) > TOLERANCE:
            found[name] = seconds
    return LineChange(**found) if found else None  # type: ignore[arg-type]


def _from_cues(context: Context, lines: Sequence[ReviewLine], file: Path) -> dict[str, LineChange]:
    shown = [line for line in lines if line.text.strip()]
    before = target_cues(context)
    cues = read_cues(file)
    if len(cues) == len(before) == len(shown):
        pairs = list(zip(shown, before, cues, strict=True))
    else:
        pairs = [(line, was, cue) for line, was in zip(shown, before, strict=True) for cue in _at(line, cues)]
    changes: dict[str, LineChange] = {}
    for line, was, cue in pairs:
        change = _cue_change(was, cue)
        if change is not None:
            changes[line.id] = change
    return changes


def _at(line: ReviewLine, cues: Sequence[Cue]) -> list[Cue]:
    """Return the cues spoken in a line, as one."""
    inside = [c for c in cues if min(c.end, line.end) - max(c.start, line.start) > 0.5 * (c.end - c.start)]
    if not inside:
        return []
    return [Cue(inside[0].start, inside[-1].end, " ".join(c.text for c in inside), inside[0].speaker)]


def _cue_change(was: Cue, now: Cue) -> LineChange | None:
    text = " ".join(now.text.split())
    found: dict[str, str | float] = {}
    if text != " ".join(was.text.split()):
        found["text"] = text
    for name in ("start", "end"):
        if abs(getattr(now, name) - getattr(was, name)) > TOLERANCE:
            found[name] = getattr(now, name)
    return LineChange(**found) if found else None  # type: ignore[arg-type]
