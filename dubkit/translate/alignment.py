"""Find replies whose texts moved to other numbers although every number is there once.

A model that joins two lines and invents one at the end returns the right count. Nothing about one
line shows it; the lines together do: names and numbers turn up next door, and lengths and end marks
fit the neighbours better than the lines themselves.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from dubkit.translate.scripts import WORD, weight, wide_letters

_SENTENCE = re.compile(r"[^.!?…]+")
_MARKS = {"?": "?", "？": "?", "!": "!", "！": "!", "…": "…"}  # noqa: RUF001 - Chinese and Japanese marks

# Cost of an end mark that differs, beside the logarithm of the ratio of lengths.
_MARK_COST = 0.7
# A slide must fit better by this much in sum and per line; honest translations of short lines vary.
_BETTER_SUM = 2.0
_BETTER_EACH = 0.5


def slid(sources: Mapping[int, str], texts: Mapping[int, str]) -> bool:
    """True when texts belong to neighbouring numbers, so that none of the reply can be trusted."""
    numbers = sorted(texts)
    return _name_next_door(numbers, sources, texts) or _fits_neighbours(
        [sources[number] for number in numbers], [texts[number] for number in numbers]
    )


def repeated(sources: Mapping[int, str], texts: Mapping[int, str]) -> set[int]:
    """Numbers that share a long text although their sources differ."""
    seen: dict[str, list[int]] = {}
    for number, text in texts.items():
        if len(WORD.findall(text)) >= 4 or wide_letters(text) >= 8:
            seen.setdefault(_plain(text), []).append(number)
    groups = [numbers for numbers in seen.values() if len({_plain(sources[n]) for n in numbers}) > 1]
    return {number for numbers in groups for number in numbers}


def _name_next_door(numbers: Sequence[int], sources: Mapping[int, str], texts: Mapping[int, str]) -> bool:
    """A name or a number of a line that its neighbour's text has instead."""
    for number in numbers:
        for other in (number - 1, number + 1):
            if other not in texts:
                continue
            anchors = _anchors(sources[number]) - _anchors(sources[other])
            here, there = _anchors(texts[number]), _anchors(texts[other])
            if anchors and not anchors & here and anchors <= there:
                return True
    return False


def _fits_neighbours(sources: Sequence[str], texts: Sequence[str]) -> bool:
    """From some line on, texts fit the line after (or before) their own clearly better."""
    count = len(sources)
    straight = [_cost(source, text) for source, text in zip(sources, texts, strict=True)]
    for step in (1, -1):
        gains = [
            straight[index] - _cost(sources[index + step], texts[index])
            for index in range(max(0, -step), min(count, count - step))
        ]
        for start in range(len(gains) - 2):
            tail = gains[start:]
            if sum(tail) >= _BETTER_SUM and sum(tail) / len(tail) >= _BETTER_EACH:
                return True
    return False


def _cost(source: str, text: str) -> float:
    lengths = abs(math.log((weight(source) + 5) / (weight(text) + 5)))
    return lengths + (_MARK_COST if _mark(source) != _mark(text) else 0.0)


def _mark(text: str) -> str:
    bare = text.rstrip("\"'”»)] ")
    return "…" if bare.endswith("...") else _MARKS.get(bare[-1:], ".")


def _anchors(text: str) -> set[str]:
    words = set(re.findall(r"\d+", text))
    for sentence in _SENTENCE.findall(text):
        words |= {word.casefold() for word in WORD.findall(sentence)[1:] if word.istitle() and len(word) > 2}
    return words


def _plain(text: str) -> str:
    return " ".join(word.casefold() for word in WORD.findall(text))
