"""Share what was heard of a dub out among its lines, where they follow each other without a pause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from dubkit.qc.text import join_words, units, word_errors
from dubkit.types import Word

UNSURE = 0.6
"""Seconds around the border of two lines within which a word may belong to either: a recogniser's times are
as rough as that."""

OUTSIDE = 0.3
"""Seconds beyond every line from which a word belongs to none."""

NEAREST = 0.01
"""Cost of a word for each second that it lies outside its line, in words: among equals, times decide."""


@dataclass(frozen=True, slots=True)
class SaidLine:
    """A line of the dub: what is said in it, and from when to when in seconds."""

    id: str
    start: float
    end: float
    text: str


def shared_out(words: Sequence[Word], lines: Sequence[SaidLine], language: str) -> dict[str, str]:
    """Return what was heard of each line, an empty text where nothing was.

    A word in the middle of a line is that line's. At the border of two lines, the words are divided so that
    fewest of them are wrong.
    """
    ordered = sorted(lines, key=lambda line: (line.start, line.end))
    heard = sorted((word for word in words if _near(word, ordered)), key=lambda word: word.start)
    if not ordered:
        return {}
    cuts = [[0], *(_cuts(heard, *pair) for pair in pairwise(ordered)), [len(heard)]]
    best: dict[int, tuple[float, tuple[int, ...]]] = {0: (0.0, (0,))}
    for line, places in zip(ordered, cuts[1:], strict=True):
        said = units(line.text, language)
        best = {
            end: min(
                (cost + _cost(heard[begin:end], line, said, language), (*path, end))
                for begin, (cost, path) in best.items()
                if begin <= end
            )
            for end in places
            if any(begin <= end for begin in best)
        }
    _, path = min(best.values())
    return {
        line.id: join_words([word.text for word in heard[begin:end]])
        for line, (begin, end) in zip(ordered, pairwise(path), strict=True)
    }


def _near(word: Word, lines: Sequence[SaidLine]) -> bool:
    return any(word.end > line.start - OUTSIDE and word.start < line.end + OUTSIDE for line in lines)


def _middle(word: Word) -> float:
    return (word.start + word.end) / 2


def _cuts(heard: Sequence[Word], before: SaidLine, after: SaidLine) -> list[int]:
    """Return how many words may come before the border of two lines."""
    first = sum(_middle(word) < min(before.end, after.start) - UNSURE for word in heard)
    last = sum(_middle(word) <= max(before.end, after.start) + UNSURE for word in heard)
    return list(range(first, max(first, last) + 1))


def _cost(heard: Sequence[Word], line: SaidLine, said: Sequence[str], language: str) -> float:
    got = units(join_words([word.text for word in heard]), language)
    outside = sum(max(0.0, line.start - _middle(word), _middle(word) - line.end) for word in heard)
    return word_errors(said, got) + NEAREST * outside
