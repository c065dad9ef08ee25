"""How much of a language people read at once, and how fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

SubtitleKind = Literal["source", "target", "bilingual", "forced", "sdh"]
"""The original; the dub; both; what viewers of the dub do not understand; with names and sounds."""
KINDS: tuple[SubtitleKind, ...] = get_args(SubtitleKind)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a subtitle may ask of its readers."""

    line: int
    """Characters on a line."""
    speed: float
    """Characters a second."""
    lines: int = 2


_USUAL = Reading(42, 17.0)
_OTHERS = {
    "ja": Reading(16, 8.0),
    "zh": Reading(16, 9.0),
    "yue": Reading(16, 9.0),
    "ko": Reading(18, 12.0),
    "th": Reading(36, 17.0),
    "lo": Reading(36, 17.0),
    "km": Reading(36, 17.0),
    "my": Reading(36, 17.0),
}

SHORTEST = 5 / 6
"""Seconds that a cue is shown at least where the next one leaves room."""

GAP = 1 / 12
"""Seconds between two cues, so that people see that the text changed."""


def reading_of(language: str, *, line: int = 0, speed: float = 0.0) -> Reading:
    """Return what a language asks; `line` and `speed` are taken in its place where they are not 0."""
    usual = _OTHERS.get(language.lower().split("-")[0], _USUAL)
    return Reading(line or usual.line, speed or usual.speed, usual.lines)
