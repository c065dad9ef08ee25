"""CSV: the table of all lines for spreadsheets; read as lines, cues or turns by its columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dubkit.formats.cells import quoted, unquoted
from dubkit.formats.content import Cue, Heading, LineRow, TableRow
from dubkit.formats.cues import cue_from_fields
from dubkit.formats.format import Format
from dubkit.formats.turns import one_word, turn_seconds
from dubkit.types import Turn

if TYPE_CHECKING:
    from dubkit.formats.document import Document

TURNS_CURE = "The first line names the columns start, end, speaker; times are seconds or HH:MM:SS.mmm."


def _write_rows(rows: Sequence[LineRow], heading: Heading) -> bytes:
    written = io.StringIO()
    names = list(rows[0]) if rows else ["id", "start", "end", "speaker", "text"]
    table = csv.DictWriter(written, names, lineterminator="\n")
    table.writeheader()
    table.writerows({name: quoted(cell) for name, cell in row.items()} for row in rows)
    return written.getvalue().encode("utf-8")


def _read_rows(file: Document) -> list[TableRow]:
    table = _table(file.text(), strict=True)
    try:
        rows = list(table)
    except csv.Error as error:
        place, cure = f"row {table.line_num}", "Save the file as CSV."
        raise file.error(place, f"cannot be read as a table ({error})", cure) from None
    if "id" not in _names(table):
        cure = "Columns of dubkit export --format csv are understood; id says which line a row is."
        raise file.error("", "has no column id", cure)
    return [
        TableRow(f"row {number}", {name: unquoted(cell) for name, cell in _cells(row).items()})
        for number, row in enumerate(rows, 2)
    ]


def _read_cues(file: Document) -> list[Cue]:
    table = _table(file.text())
    names = _names(table)
    if not {"start", "end", "text"} <= names:
        cure = "The first line must be: start,end,text or start,end,text,speaker."
        raise file.error("line 1", f"the columns are {sorted(names)}", cure)
    return [cue_from_fields(file, f"line {table.line_num}", _cells(row)) for row in table]


def _read_turns(file: Document) -> list[Turn]:
    table = _table(file.text())
    names = _names(table)
    missing = [name for name in ("start", "end", "speaker") if name not in names]
    if missing:
        raise file.error("line 1", f"no column {', '.join(missing)}", TURNS_CURE)
    return [_turn(file, f"line {table.line_num}", _cells(row)) for row in table]


def _turn(file: Document, place: str, cells: dict[str, str]) -> Turn:
    start, end = (
        turn_seconds(file, place, name, cells.get(name, ""), TURNS_CURE) for name in ("start", "end")
    )
    speaker = one_word(cells.get("speaker", ""))
    if not speaker:
        raise file.error(place, "no speaker", TURNS_CURE)
    if end <= start:
        raise file.error(place, f"the turn ends at {end:g} s, before its start", TURNS_CURE)
    return Turn(start, end, speaker)


def _table(text: str, *, strict: bool = False) -> csv.DictReader[str]:
    """Open a table. Its first line names the columns and shows what separates them."""
    head = text.split("\n", 1)[0]
    # Spreadsheets of half the world write semicolons, because their comma is the decimal point.
    delimiter = max(",;\t", key=head.count)
    return csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict)


def _names(table: csv.DictReader[str]) -> set[str]:
    return {(name or "").strip().lower() for name in table.fieldnames or ()}


def _cells(row: dict[str | Any, str | Any]) -> dict[str, str]:
    """Return the cells that are there by the name of their column, which may stand in any case."""
    return {str(k).strip().lower(): v for k, v in row.items() if k is not None and v is not None}


FORMAT = Format(
    name="csv",
    title="Comma-separated values",
    suffixes=(".csv",),
    media_type="text/csv",
    read_cues=_read_cues,
    read_turns=_read_turns,
    read_rows=_read_rows,
    write_rows=_write_rows,
)
