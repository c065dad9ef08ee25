"""LRC: lines with the time at which they begin; a line lasts until the next one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dubkit.formats.content import Cue
from dubkit.formats.cues import cue_of_lines
from dubkit.formats.format import Format
from dubkit.formats.markup import file_lines, spoken_lines
from dubkit.formats.times import time_of

if TYPE_CHECKING:
    from dubkit.formats.document import Document

_STAMP = re.compile(r"\[(\d+:\d{1,2}(?:[.:,]\d{1,3})?)\]")
_OFFSET = re.compile(r"\s*\[offset:\s*([+-]?\d+)\s*\]", re.I)
_WORD = re.compile(r"<\d+:\d{1,2}(?:[.:]\d{1,3})?>")
_RATE = 15.0


def _read(file: Document) -> list[Cue]:
    lines = file_lines(file.text())
    offset = next((int(found[1]) / 1000 for line in lines if (found := _OFFSET.match(line))), 0.0)
    said: list[tuple[float, int, list[tuple[str, str]]]] = []
    for number, line in enumerate(lines, start=1):
        rest = line.lstrip()
        stamps = []
        while found := _STAMP.match(rest):
            stamps.append(found[1])
            rest = rest[found.end() :].lstrip()
        for stamp in stamps:
            minutes, _, seconds = stamp.partition(":")
            time = time_of(f"{minutes}:{seconds.replace(':', '.')}") or 0.0
            said.append((max(0.0, round(time - offset, 3)), number, spoken_lines(_WORD.sub("", rest))))
    if not said and any(line.strip() for line in lines):
        raise file.error("line 1", "there is no line with a time", "A line reads [00:12.50]Text.")
    said.sort(key=lambda line: line[0])
    cues = []
    for at, (start, number, texts) in enumerate(said):
        length = max(0.5, sum(len(text) for _, text in texts) / _RATE)
        end = next((later for later, _, _ in said[at + 1 :] if later > start), start + length)
        if texts:
            cues.append(cue_of_lines(file, f"line {number}", start, round(end, 3), texts))
    return cues


FORMAT = Format(
    name="lrc",
    title="Lyrics with times",
    suffixes=(".lrc",),
    media_type="text/plain",
    read_cues=_read,
    time_step=0.01,
    edited_as="srt",
)
