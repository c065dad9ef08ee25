"""MicroDVD (SUB): `{250}{310}Text|second line`, times in frames; SubViewer files end in .sub, too."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dubkit.formats.blocks import read_blocks
from dubkit.formats.content import Cue
from dubkit.formats.cues import cue_of_lines, keep_good
from dubkit.formats.format import Format
from dubkit.formats.markup import file_lines, spoken_lines
from dubkit.formats.times import pair_of_times

if TYPE_CHECKING:
    from dubkit.formats.document import Document

_LINE = re.compile(r"\s*\{(\d+)\}\s*\{(\d*)\}(.*)")
_RATE = re.compile(r"\s*(\d{1,3}(?:[.,]\d+)?)\s*")
_TAG = re.compile(r"\{[A-Za-z]:[^}]*\}|^/|(?<=\|)/")


def _read(file: Document) -> list[Cue]:
    if file.content.startswith(b"\x00\x00\x01\xba"):
        cure = "Take the texts out with OCR, for example in Subtitle Edit, and give the SRT."
        raise file.error("", "it holds pictures of subtitles (VobSub), no text", cure)
    lines = [(n, line) for n, line in enumerate(file_lines(file.text()), start=1) if line.strip()]
    if not lines:
        return []
    found = _LINE.match(lines[0][1])
    if found is None and any(pair_of_times(line) for _, line in lines):
        return read_blocks(file)  # SubViewer has the same ending
    if found is None:
        cure = "A line reads {250}{310}Text. Convert other .sub files to SRT."
        raise file.error(f"line {lines[0][0]}", f"{lines[0][1].strip()[:60]!r} is no MicroDVD line", cure)
    rate = _RATE.fullmatch(found[3]) if int(found[1]) <= 1 and found[1] == found[2] else None
    if rate is None:
        cure = "Put the film's frames per second into a first line: {1}{1}23.976"
        raise file.error("line 1", "it counts frames and does not say how many a second has", cure)
    frames = float(rate[1].replace(",", "."))
    if not frames:
        raise file.error("line 1", "0 frames per second", "Write the rate of the film: {1}{1}23.976")
    return keep_good(file, lines[1:], lambda line: _cue(file, line[0], line[1], frames))


def _cue(file: Document, number: int, line: str, frames: float) -> Cue:
    found = _LINE.match(line)
    if found is None:
        raise file.mistake(f"line {number}", f"{line.strip()!r} has no times", "Write {250}{310}Text.", line)
    start, end = int(found[1]) / frames, int(found[2] or found[1]) / frames
    lines = spoken_lines(_TAG.sub("", found[3]).replace("|", "\n"))
    return cue_of_lines(file, f"line {number}", round(start, 3), round(end, 3), lines)


FORMAT = Format(
    name="microdvd",
    title="MicroDVD subtitles",
    suffixes=(".sub",),
    media_type="text/plain",
    read_cues=_read,
    time_step=0.05,
    edited_as="srt",
)
