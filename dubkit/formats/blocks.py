"""What SRT and WebVTT have in common: a line with two times, then text up to a blank line."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from dubkit.formats.cues import cue_at
from dubkit.formats.times import CLOCK, clock_seconds

if TYPE_CHECKING:
    from dubkit.formats.content import Cue
    from dubkit.formats.document import Document

_TIMING = re.compile(rf"^\s*{CLOCK}\s*-->\s*{CLOCK}(?:\s.*)?$")
_VOICE = re.compile(r"<v(?:\.[^ >]*)?\s+([^>]*)>")
_TAG = re.compile(r"</?(?:[ibucs]|v|font|ruby|rt|lang|c\.[^>]*)(?:[ .][^>]*)?>|<[\d:.]+>|\{\\[^}]*\}", re.I)
_NEVER = re.compile(r"(?!)")


def read_blocks(file: Document, aside: re.Pattern[str] = _NEVER) -> list[Cue]:
    """Return the cues of a file, without tags; blocks whose first line matches `aside` hold none."""
    text = file.text()
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    cues, at = [], 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if aside.match(line):
            at = _end(lines, at)
        elif "-->" in line:
            start, end = _timing(file, at, line)
            first, at = at, _end(lines, at)
            cues.append(_cue(file, first, start, end, "\n".join(lines[first:at])))
    if not cues and text.strip() not in ("", "WEBVTT"):
        cure = "A cue needs a line such as 00:00:01,000 --> 00:00:02,500 above its text."
        raise file.error("line 1", "there is no cue in it", cure)
    return cues


def _end(lines: list[str], at: int) -> int:
    """Return where the block ends: at a blank line or with the file."""
    while at < len(lines) and lines[at].strip():
        at += 1
    return at


def _timing(file: Document, number: int, line: str) -> tuple[float, float]:
    match = _TIMING.match(line)
    if not match:
        cure = "Write it as 00:00:01,000 --> 00:00:02,500."
        raise file.error(f"line {number}", f"{line.strip()!r} is not a pair of times", cure)
    return clock_seconds(match.groups()[:4]), clock_seconds(match.groups()[4:])


def _cue(file: Document, number: int, start: float, end: float, text: str) -> Cue:
    voice = _VOICE.search(text)
    speaker = html.unescape(voice.group(1)) if voice else ""
    plain = html.unescape(_TAG.sub("", _VOICE.sub("", text)))
    return cue_at(file, f"line {number}", start, end, plain, speaker)
