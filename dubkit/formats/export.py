"""Artifacts of an episode in the formats other programs read."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dubkit.episode.context import Context
from dubkit.errors import DubkitError
from dubkit.formats.cues import source_cues, target_cues

# Quotes before it count too, so that every cell comes back as it was. Spreadsheets pass over blanks, and
# some take the full-width signs for the plain ones.
_FORMULA = re.compile(r"'*\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")


def export(context: Context, language: str, kind: str) -> str:
    """Return the episode as `srt`, `vtt`, `rttm`, `csv` or `json` text; `language` empty is the source's.

    Raises DubkitError when the stage that makes it has not run.
    """
    needed = "diarization.json" if kind == "rttm" else "translation.json" if language else "transcript.json"
    home = "" if kind == "rttm" else language
    if not context.store.has(needed, home):
        wanted = f" --to {language}" if language else " --until transcribe"
        raise DubkitError(
            f"{context.store.path(needed, home)} is not there yet.\n"
            f"Run first: dubkit run {context.source}{wanted}"
        )
    here = context.fresh(language)
    if kind == "rttm":
        from dubkit.formats.rttm import write_rttm

        return write_rttm(here.diarization, here.episode.name)
    if kind in ("srt", "vtt"):
        return _subtitles(here, kind)
    rows = line_rows(here)
    return _csv(rows) if kind == "csv" else json.dumps(rows, ensure_ascii=False, indent=2) + "\n"


def _subtitles(context: Context, kind: str) -> str:
    from dubkit.formats.subtitles import write_srt, write_vtt

    cues = target_cues(context) if context.language else source_cues(context)
    with TemporaryDirectory(prefix="dubkit-") as folder:
        file = Path(folder) / f"cues.{kind}"
        (write_srt if kind == "srt" else write_vtt)(cues, file)
        return file.read_text("utf-8")


def line_rows(context: Context) -> list[dict[str, Any]]:
    """Return one row per segment; `text` is the line of the language, or the segment's own."""
    if not context.language:
        return [
            {"id": s.id, "start": s.start, "end": s.end, "speaker": s.speaker, "text": s.text}
            for s in context.segments
        ]
    routes = context.routes
    return [
        {
            "id": s.id,
            "start": s.start,
            "end": s.end,
            "speaker": s.speaker,
            "text": line.text,
            "source": s.text,
            "route": routes.get(line.id, line.route),
            "flags": " ".join(line.flags),
            **_remarks(context, line.id),
        }
        for s, line in context.lines
    ]


def _remarks(context: Context, line: str) -> dict[str, str]:
    """Return what a person said of a line; empty where nobody did."""
    edit = context.placed.lines.get(line)
    return {name: (getattr(edit, name) if edit else None) or "" for name in ("voice", "delivery", "note")}


def _csv(rows: list[dict[str, Any]]) -> str:
    written = io.StringIO()
    names = list(rows[0]) if rows else ["id", "start", "end", "speaker", "text"]
    table = csv.DictWriter(written, names, lineterminator="\n")
    table.writeheader()
    table.writerows({name: quoted(cell) for name, cell in row.items()} for row in rows)
    return written.getvalue()


def quoted(cell: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula: texts that begin like one get a `'` before them.

    >>> quoted("=1+1"), quoted("- Olá"), quoted("Olá")
    ("'=1+1", "'- Olá", 'Olá')
    """
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def unquoted(cell: str) -> str:
    """Return what `quoted` was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
