"""Texts of a pack: subtitles, cue sheets, lines and turns, in every format that dubkit writes."""

from __future__ import annotations

from dubkit.deliver.deliverable import Deliverable, Packing
from dubkit.episode.export import export
from dubkit.errors import DubkitError
from dubkit.formats.format import FORMATS, Format

FOLDERS = {"cues": "subtitles", "sheet": "cue-sheets", "rows": "lines", "turns": "turns"}
"""Content of a format -> folder of its files; any other content is a folder of its own name."""

WITHOUT_SOURCE = {"sheet"}
"""Contents that there are of target languages only."""

ONCE = {"turns"}
"""Contents that all languages share."""


def write_texts(packing: Packing) -> None:
    """Write every format that dubkit writes: of the source where it has one, and of each language."""
    for format in FORMATS:
        content = format.written
        if content is None:
            continue
        languages = packing.languages if content not in ONCE else ()
        for language in (*(() if content in WITHOUT_SOURCE else ("",)), *languages):
            _write(packing, format, language)


def _write(packing: Packing, format: Format, language: str) -> None:
    tag = language or packing.context.source_language
    stem = packing.name if format.written in ONCE else f"{packing.name}.{tag}"
    folder = FOLDERS.get(str(format.written), str(format.written))
    try:
        raw = export(packing.within(language), language, format.name)
    except DubkitError as error:
        reason = str(error).partition("\n")[0]
        packing.say("pack-incomplete", f"There is no {format.title} of {tag}: {reason}")
        return
    packing.file(f"{folder}/{stem}{format.suffixes[0]}", language=language).write_bytes(raw)


TEXTS = Deliverable("texts", "Subtitles, cue sheets, lines and turns", ("studio",), write_texts)
