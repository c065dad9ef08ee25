"""Cues that stand on the screen several times: in layers, frame by frame, or twice in the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dubkit.formats.content import Cue

_SHARED = 0.8
_FRAME = 0.3
"""Seconds that one of many steps of the same text lasts at most."""

_BETWEEN = 0.05
"""Seconds between two steps of one text."""


def without_copies(cues: Sequence[Cue]) -> tuple[list[Cue], list[Cue]]:
    """Return the cues without copies of a text at the same time, and the copies.

    Copies are cues of the same text by the same speaker that share most of their time, or that follow one
    another in steps too short to be said.
    """
    kept: list[Cue] = []
    copies: list[Cue] = []
    latest: dict[str, int] = {}
    steps: dict[str, Cue] = {}
    for cue in cues:
        text = _flat(cue.text)
        at = latest.get(text)
        if at is not None and _is_copy(kept[at], steps[text], cue):
            steps[text] = cue
            kept[at] = replace(kept[at], end=max(kept[at].end, cue.end))
            copies.append(cue)
            continue
        latest[text], steps[text] = len(kept), cue
        kept.append(cue)
    return kept, copies


def _is_copy(first: Cue, last: Cue, cue: Cue) -> bool:
    """Tell whether a cue is a copy of the first one, whose last copy is given too."""
    if first.speaker and cue.speaker and first.speaker != cue.speaker:
        return False
    shared = min(first.end, cue.end) - max(first.start, cue.start)
    shorter = min(first.end - first.start, cue.end - cue.start)
    if shared > 0 and shared >= _SHARED * shorter:
        return True
    steps = max(last.end - last.start, cue.end - cue.start) <= _FRAME
    return steps and -0.01 <= cue.start - first.end <= _BETWEEN


def _flat(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum()) or text
