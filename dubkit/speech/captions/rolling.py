"""Captions that roll: lines that come again in the next cue are said once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from dubkit.formats.content import Cue

JOINED = 0.15
"""Seconds between two cues that follow one another without a pause."""

BLINK = 0.05
"""Seconds that a cue lasts which only moves lines up."""

_PAUSE = 1.0
"""Seconds between two cues of several lines in which the last line still moves up."""

_FEW_WORDS = 3
_MOST = 80
"""Characters that a line grows to, word by word, before the next words are a line of their own."""


def unroll(cues: Sequence[Cue]) -> list[Cue]:
    """Return cues in order of time in which nothing stands twice because it rolled or grew.

    What a cue repeats of the one that ends where it begins is taken off it. A short cue that repeats
    everything gives its time to the next one. A line that two people say, or one says twice, has its
    own cue and stays.
    """
    overlaps = [0, *(_overlap(before, cue) for before, cue in pairwise(cues))]
    grows = _grows(cues)
    kept: list[Cue] = []
    begin = -1.0
    for at, cue in enumerate(cues):
        before = cues[at - 1] if at else None
        repeated = overlaps[at]
        lines = cue.lines[repeated:]
        if before is not None and not repeated and grows and _joined(before, cue):
            words = _new_words(before, cue)
            if words is not None:
                if words and len(words) <= _FEW_WORDS and begin < 0 and _continues(kept, cue):
                    kept[-1] = _longer(kept[-1], words, cue.end)
                    continue
                lines = ((cue.speaker, " ".join(words)),) if words else ()
        if not lines:
            short = cue.end - cue.start <= BLINK
            begin = (begin if begin >= 0 else cue.start) if short else -1.0
            continue
        if lines != cue.lines or begin >= 0:
            start = begin if begin >= 0 and cue.start - begin <= BLINK + JOINED else cue.start
            cue = replace(cue, start=start, text=" ".join(text for _, text in lines), lines=lines)
        kept.append(cue)
        begin = -1.0
    return kept


def _continues(kept: Sequence[Cue], cue: Cue) -> bool:
    """Tell whether a cue shows the whole line that was kept last, grown by some words."""
    return bool(kept) and len(kept[-1].text) < _MOST and _flat(cue.text).startswith(_flat(kept[-1].text))


def _joined(before: Cue, cue: Cue) -> bool:
    return -JOINED <= cue.start - before.end <= JOINED or before.start < cue.start <= before.end


def _overlap(before: Cue, cue: Cue) -> int:
    """Return how many lines at the head of a cue are the last ones of the cue before it, moved up or kept."""
    old, new = [_flat(text) for _, text in before.lines], [_flat(text) for _, text in cue.lines]
    rolls = min(len(old), len(new)) > 1 and old != new and 0 <= cue.start - before.end <= _PAUSE
    if not _joined(before, cue) and not rolls:
        return 0
    for count in range(min(len(old), len(new)), 0, -1):
        if old[-count:] == new[:count]:
            same = count == len(old) == len(new)
            short = min(before.end - before.start, cue.end - cue.start) <= BLINK
            return 0 if same and not short else count
    return 0


def _grows(cues: Sequence[Cue]) -> bool:
    """Tell whether most cues begin with the words at the end of the cue before: captions of live speech."""
    pairs = [(a, b) for a, b in pairwise(cues) if _joined(a, b)]
    grown = sum(_new_words(before, cue) is not None for before, cue in pairs)
    return len(pairs) >= 2 and 2 * grown >= len(pairs)


def _new_words(before: Cue, cue: Cue) -> list[str] | None:
    """Return the words of a cue after those that the one before ends with; None where it repeats none."""
    old, new = _flat(before.text).split(), _flat(cue.text).split()
    if old == new:
        return None
    for count in range(min(len(old), len(new)), 0, -1):
        whole = count in (len(old), len(new))
        if old[-count:] == new[:count] and (whole or count >= _FEW_WORDS):
            return cue.text.split()[count:]
    return None


def _longer(cue: Cue, words: Sequence[str], end: float) -> Cue:
    text = " ".join([cue.text, *words])
    return replace(cue, end=end, text=text, lines=((cue.speaker, text),))


def _flat(text: str) -> str:
    return " ".join(text.casefold().split())
