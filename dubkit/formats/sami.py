"""SAMI: subtitles as HTML, common in Korea, often in several languages; a cue lasts until the next one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dubkit.formats.content import Cue
from dubkit.formats.cues import cue_of_lines
from dubkit.formats.format import Format
from dubkit.formats.markup import spoken_lines

if TYPE_CHECKING:
    from dubkit.formats.document import Document

_SYNC = re.compile(
    r"<\s*sync\b[^<>]*?\bstart\s*=\s*[\"']?(\d+)[^<>]*>(.*?)(?=<\s*sync\b|</\s*body\b|\Z)", re.I | re.S
)
_PARAGRAPH = re.compile(r"<\s*p\b([^<>]*)>(.*?)(?=<\s*p\b|\Z)", re.I | re.S)
_CLASS = re.compile(r"\bclass\s*=\s*[\"']?([\w-]+)", re.I)
_LANGUAGE = re.compile(r"\.([\w-]+)\s*\{[^}]*?\blang\s*:\s*([A-Za-z-]+)", re.I)
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?([\w-]+)", re.I)
_RATE = 15.0
_MOST = 10.0
"""Seconds that a cue lasts which no later one ends."""


def _read(file: Document) -> list[Cue]:
    declared = _CHARSET.search(file.content[:4000])
    text = file.text(declared[1].decode("ascii") if declared else "")
    syncs = [
        (int(found[1]) / 1000, found[2], text.count("\n", 0, found.start()) + 1)
        for found in _SYNC.finditer(text)
    ]
    if not syncs and text.strip():
        raise file.error("", "there is no <SYNC Start=…> in it", "Convert it to SRT in a subtitle editor.")
    shown = [(start, number, _by_class(body)) for start, body, number in syncs]
    chosen = _class(file, text, [paragraphs for _, _, paragraphs in shown])
    own = [(start, number, said[chosen]) for start, number, said in shown if chosen in said]
    cues = []
    for at, (start, number, body) in enumerate(own):
        lines = spoken_lines(re.sub(r"\s*\n\s*", " ", body))
        later = next((other for other, _, _ in own[at + 1 :] if other > start), None)
        length = max(0.5, sum(len(line) for _, line in lines) / _RATE)
        end = later if later is not None else start + min(length, _MOST)
        if lines:
            cues.append(cue_of_lines(file, f"line {number}", start, round(end, 3), lines))
    return cues


def _by_class(body: str) -> dict[str, str]:
    """Return class -> text of a point in time; the class is the language."""
    if not _PARAGRAPH.search(body):
        return {"": body}
    said: dict[str, str] = {}
    for paragraph in _PARAGRAPH.finditer(body):
        found = _CLASS.search(paragraph[1])
        name = found[1].lower() if found else ""
        said[name] = said.get(name, "") + paragraph[2]
    return said


def _class(file: Document, text: str, shown: list[dict[str, str]]) -> str:
    """Return the class of the language that is wanted, else the first one; others are named."""
    names = list(dict.fromkeys(name for said in shown for name in said))
    languages = {name.lower(): tag.lower() for name, tag in _LANGUAGE.findall(text)}
    wanted = file.language.lower().split("-")[0]
    chosen = next(
        (n for n in names if wanted and languages.get(n, "").startswith(wanted)), names[0] if names else ""
    )
    if len(names) > 1:
        others = ", ".join(name for name in names if name != chosen)
        file.remark("other-languages", f"It also has subtitles of the class {others}, which were left out.")
    return chosen


FORMAT = Format(
    name="sami",
    title="SAMI subtitles",
    suffixes=(".smi", ".sami"),
    media_type="application/x-sami",
    read_cues=_read,
    edited_as="srt",
)
