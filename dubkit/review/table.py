"""A table of the lines that a person changed in a spreadsheet: what its rows change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.episode.context import Context
from dubkit.errors import EditRefused
from dubkit.review.changes import LineChange
from dubkit.review.lines import ReviewLine, review_lines
from dubkit.review.speakers import find_speaker

if TYPE_CHECKING:
    from dubkit.formats.content import TableRow
    from dubkit.formats.format import Format

TEXTS = ("text", "source", "speaker", "route", "voice", "delivery", "note")


def changes_of_rows(
    context: Context, file: Path, rows: Sequence[TableRow], format: Format
) -> dict[str, LineChange]:
    """Return what the rows of a table change, line by line. Raises EditRefused naming the row."""
    by_id = {line.id: line for line in review_lines(context)}
    own = {line.id: line.route for _, line in context.lines}
    changes: dict[str, LineChange] = {}
    seen: dict[str, str] = {}
    for row in rows:
        place = f"{file} {row.place}"
        name = row.cells.get("id", "").strip()
        if name not in by_id:
            raise EditRefused(f"{place}: there is no line {name!r}.")
        if name in seen:
            raise EditRefused(f"{place}: {name} is already in {seen[name]}.")
        seen[name] = row.place
        line = by_id[name]
        texts = _texts(context, line, own[name], row.cells, place)
        times, cleared = _times(line, row.cells, place, format.tolerance)
        if texts or times or cleared:
            changes[name] = LineChange(**texts, **times, clear=frozenset(cleared))  # type: ignore[arg-type]
    return changes


def _texts(
    context: Context, line: ReviewLine, route: str, cells: Mapping[str, str], place: str
) -> dict[str, str]:
    """Return the texts that differ from the line's."""
    different: dict[str, str] = {}
    for name in TEXTS:
        value = cells.get(name)
        if value is None:
            continue
        flat = " ".join(value.split())
        # A table may hold the line's own route or the one that was chosen for it: neither is a change.
        now = (line.route, route) if name == "route" else (" ".join(getattr(line, name).split()),)
        if flat not in now:
            different[name] = flat
    if different.get("speaker"):
        try:
            different["speaker"] = find_speaker(context, different["speaker"])
        except EditRefused as error:
            raise EditRefused(f"{place}: {error}") from None
    return different


def _times(
    line: ReviewLine, cells: Mapping[str, str], place: str, tolerance: float
) -> tuple[dict[str, float], set[str]]:
    """Return the times that differ from the line's, and the times whose edits are taken back."""
    different: dict[str, float] = {}
    cleared: set[str] = set()
    for name in ("start", "end"):
        value = cells.get(name)
        if value is None:
            continue
        if not value.strip():
            cleared |= {name} & set(line.edited)
            continue
        seconds = _seconds(value, f"{place}: {name}")
        if abs(seconds - getattr(line, name)) > tolerance:
            different[name] = seconds
    return different, cleared


def _seconds(value: str, place: str) -> float:
    try:
        seconds = float(value.strip().replace(",", "."))
    except ValueError:
        raise EditRefused(f"{place} {value!r} is not a number of seconds.") from None
    if not 0.0 <= seconds < float("inf"):
        raise EditRefused(f"{place} {value!r} is not a time in the episode.")
    return seconds
