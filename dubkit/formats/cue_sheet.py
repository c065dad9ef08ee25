"""Cue sheets: what an actor records from, as a table for spreadsheets or as a page to print."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import fields
from html import escape

from dubkit.formats.cells import quoted
from dubkit.formats.content import Heading, SheetRow
from dubkit.formats.format import Format

TITLES = {
    "cue": "Cue",
    "line": "Line",
    "character": "Character",
    "begin": "In",
    "end": "Out",
    "seconds": "Seconds",
    "text": "Text",
    "source": "Source",
    "note": "Note",
    "file": "File",
}

STYLE = """
@page { size: A4 landscape; margin: 12mm }
body { font: 11pt/1.4 system-ui, "Noto Sans", sans-serif; margin: 1.5rem; color: #000; background: #fff }
h1 { font-size: 15pt; margin: 0 0 .2em } p { margin: 0 0 1em }
table { border-collapse: collapse; width: 100% } thead { display: table-header-group }
th, td { border: 1px solid #999; padding: .35em .5em; text-align: start; vertical-align: top }
tr { break-inside: avoid } .text { font-size: 13pt } .source, .note { color: #333; font-size: 9.5pt }
.time, .file { font-family: ui-monospace, monospace; font-size: 9pt; white-space: nowrap }
"""


def _write_csv(rows: Sequence[SheetRow], heading: Heading) -> bytes:
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    table.writerow(TITLES[field.name].lower() for field in fields(SheetRow))
    for row in rows:
        table.writerow(quoted(_cell(getattr(row, field.name))) for field in fields(SheetRow))
    return written.getvalue().encode("utf-8-sig")  # spreadsheets take a file without the mark for old text


def _cell(value: object) -> object:
    return f"{value:.2f}" if isinstance(value, float) else value


def _write_page(rows: Sequence[SheetRow], heading: Heading) -> bytes:
    title = f"{heading.name}: cue sheet, {heading.language}"
    seconds = sum(row.seconds for row in rows)
    head = "".join(f"<th>{TITLES[name]}</th>" for name in ("cue", "character", "begin", "end", "seconds"))
    body = "".join(_row(row, heading.language) for row in rows)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<style>{STYLE}</style></head><body>\n<h1 dir="auto">{escape(title)}</h1>\n'
        f"<p>{len(rows)} cues, {seconds:.1f} s. Record each cue to the file that it names.</p>\n"
        f"<table><thead><tr>{head}<th>Text, source and note</th><th>File</th></tr></thead>\n"
        f"<tbody>\n{body}</tbody></table>\n</body></html>\n"
    ).encode()


def _row(row: SheetRow, language: str) -> str:
    note = f'<div class="note" dir="auto">{escape(row.note)}</div>' if row.note else ""
    return (
        f'<tr><td>{row.cue}</td><td dir="auto">{escape(row.character)}</td>'
        f'<td class="time">{row.begin}</td><td class="time">{row.end}</td>'
        f'<td class="time">{row.seconds:.2f}</td>'
        f'<td><div class="text" dir="auto" lang="{escape(language)}">{escape(row.text)}</div>'
        f'<div class="source" dir="auto">{escape(row.source)}</div>{note}</td>'
        f'<td class="file"><bdi>{escape(row.file)}</bdi></td></tr>\n'
    )


SHEET = Format(
    name="cue-sheet",
    title="Cue sheet for spreadsheets",
    suffixes=(".csv",),
    media_type="text/csv",
    write_sheet=_write_csv,
)

PAGE = Format(
    name="cue-sheet-html",
    title="Cue sheet to print",
    suffixes=(".html",),
    media_type="text/html",
    write_sheet=_write_page,
)
