"""Texts of a pack: subtitles, cue sheets, scripts, timelines, lines and turns, with the takes they name."""

from __future__ import annotations

import shutil
from pathlib import PurePosixPath

from dubkit.deliver.deliverable import Deliverable, Packing
from dubkit.deliver.statement import Stretch, TrackStatement
from dubkit.deliver.timeline import origin_of
from dubkit.episode.export import export_files
from dubkit.episode.timeline import spoken_line
from dubkit.errors import DubkitError
from dubkit.formats.format import FORMATS, Format
from dubkit.types import SAMPLE_RATE

EDIT = "edit"
FOLDERS = {
    "cues": "subtitles",
    "sheet": "cue-sheets",
    "rows": "lines",
    "turns": "turns",
    "script": EDIT,
    "timeline": EDIT,
}
"""Content of a format -> folder of its files; any other content is a folder of its own name."""

OF_A_LANGUAGE = {"sheet", "timeline"}
"""Contents that there are of target languages only."""

ONCE = {"turns"}
"""Contents that all languages share."""


def write_texts(packing: Packing) -> None:
    """Write every format that dubkit writes: of the source where it has one, and of each language."""
    named: set[str] = set()
    for format in FORMATS:
        content = format.written
        if content is None:
            continue
        languages = packing.languages if content not in ONCE else ()
        for language in (*(() if content in OF_A_LANGUAGE else ("",)), *languages):
            if _write(packing, format, language) and FOLDERS.get(content) == EDIT and language:
                named.add(language)
    for language in packing.languages:
        if language in named:
            _write_takes(packing, language)


def _write(packing: Packing, format: Format, language: str) -> bool:
    """Write a format in one language; tell whether it could be written."""
    tag = language or packing.context.source_language
    stem = packing.name if format.written in ONCE else f"{packing.name}.{tag}"
    folder = FOLDERS.get(str(format.written), str(format.written))
    try:
        files = export_files(packing.within(language), language, format.name, tell=packing.said.append)
    except DubkitError as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        packing.say("pack-without", f"There is no {format.title} of {tag}: {reason}.")
        return False
    for number, raw in enumerate(files, 1):
        more = f".{number}" if number > 1 else ""
        packing.file(f"{folder}/{stem}{more}{format.suffixes[0]}", language=language).write_bytes(raw)
    return True


def _write_takes(packing: Packing, language: str) -> None:
    """Copy the takes that scripts and timelines name, to where they name them."""
    context = packing.within(language)
    for _, line in context.lines:
        take, file = spoken_line(context, line.id), context.take_file(line.id)
        if take is None or file is None:
            continue
        origin, seconds = origin_of(take), round(take.samples / SAMPLE_RATE, 3)
        said = (Stretch(0.0, seconds, origin, take.engine, line.id),)
        place = PurePosixPath(EDIT) / file.relative_to(context.store.root).as_posix()
        tracks = (TrackStatement("sound", 0, language, "silence", said),)
        shutil.copyfile(file, packing.file(str(place), language=language, tracks=tracks))


TEXTS = Deliverable("texts", "Subtitles, cue sheets, scripts, timelines, lines", ("studio",), write_texts)
