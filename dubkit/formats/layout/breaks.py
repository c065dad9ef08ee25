"""Where a text may be broken: between words, not after an article or a preposition, not before a comma."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Any

from dubkit.formats.layout.bound_words import BOUND_WORDS
from dubkit.formats.layout.reading import Reading
from dubkit.formats.text import one_line

# Full-width marks and the like by number: they look like the ASCII ones.
_PAUSES = tuple(",.;:!?…—\u2013،؛؟।、。\uff0c\uff01\uff1f\uff1b\uff1a")
_CLOSING = tuple(",.;:!?…)]}»”\u2019、。」』\uff09\uff0c\uff01\uff1f\uff1b\uff1a%")
_OPENING = tuple("([{«“\u2018「『\uff08¿¡")
_SENTENCE = tuple(".!?…。।؟\uff01\uff1f")


@cache
def _bound(language: str) -> frozenset[str]:
    return frozenset(BOUND_WORDS.get(language.lower().split("-")[0], "").split())


@cache
def _segmenter(language: str) -> Any:
    """Return what finds the phrases of a language that is written without spaces; None for others."""
    import budoux

    tag = language.lower()
    base = tag.split("-")[0]
    if base == "ja":
        return budoux.load_default_japanese_parser()
    if base == "th":
        return budoux.load_default_thai_parser()
    if base in ("zh", "yue"):
        traditional = base == "yue" or {"tw", "hk", "mo", "hant"} & set(tag.split("-"))
        load = (
            budoux.load_default_traditional_chinese_parser
            if traditional
            else budoux.load_default_simplified_chinese_parser
        )
        return load()
    return None


def units(text: str, language: str) -> list[str]:
    """Return the parts of a text that stay whole; joined, they are the text on one line.

    >>> units("Go on, Ana !", "fr")
    ['Go ', 'on, ', 'Ana !']
    """
    flat = one_line(text)
    words = re.findall("[^ \u200b]+[ \u200b]?", flat)
    segmenter = _segmenter(language) if not flat.isascii() else None
    if segmenter is not None:
        words = [part for word in words for part in _phrases(word, segmenter)]
    found: list[str] = []
    for word in words:
        if found and _belongs(found[-1], word):
            found[-1] += word
        else:
            found.append(word)
    return found


def _phrases(word: str, segmenter: Any) -> list[str]:
    """Return the phrases of a piece without blanks; a blank behind it stays with the last one."""
    phrases: list[str] = segmenter.parse(word.rstrip()) if word.strip() else [word]
    if phrases and word != word.rstrip():
        phrases[-1] += " "
    return phrases


def _belongs(before: str, after: str) -> bool:
    """Tell whether a part must stand on the line of the part before it."""
    if after.startswith(_CLOSING) or before.rstrip().endswith(_OPENING):
        return True
    if before[-1:].isspace():
        return False
    first, last = after[0], before[-1]
    whole = first.isascii() and last.isascii() and first.isalnum() and last.isalnum()
    return whole or unicodedata.category(first) in ("Mn", "Mc")


def in_lines(text: str, language: str, reading: Reading) -> str:
    """Return a text in one line or in two of similar length, broken where it reads well."""
    parts = units(text, language)
    flat = "".join(parts).rstrip()
    if len(flat) <= reading.line or len(parts) < 2:
        return flat
    at = best_break(parts, language, 0.5, reading.line)
    return f"{''.join(parts[:at]).rstrip()}\n{''.join(parts[at:]).rstrip()}"


def fits(text: str, language: str, reading: Reading) -> bool:
    """Tell whether a text has room in the lines of one cue."""
    return all(len(line) <= reading.line for line in in_lines(text, language, reading).split("\n"))


def best_break(parts: Sequence[str], language: str, share: float, line: int = 0) -> int:
    """Return before which part to break so that about `share` of the text stands before it.

    `line`: characters that neither side should exceed; 0 for a break between cues.
    """
    lengths = [len(part) for part in parts]
    total, bound = sum(lengths), _bound(language)
    before, costs = 0, []
    for at in range(1, len(parts)):
        before += lengths[at - 1]
        word = parts[at - 1].strip().lower()
        over = max(0, before - 1 - line) + max(0, total - before - line) if line else 0
        cost = over * 100 + abs(before - total * share) * 2 + (0.5 if before > total * share else 0)
        if word.endswith(_PAUSES):
            cost -= 24 if not line and word.endswith(_SENTENCE) else 12
        elif word in bound:
            cost += 30
        costs.append((cost, at))
    return min(costs)[1]


def in_parts(text: str, language: str, count: int) -> list[str]:
    """Return a text in `count` parts of similar length, or in as many as it can be broken into."""
    parts = units(text, language)
    if count < 2 or len(parts) < 2:
        return ["".join(parts).rstrip()]
    first = count // 2
    at = best_break(parts, language, first / count)
    before, after = "".join(parts[:at]), "".join(parts[at:])
    return in_parts(before, language, first) + in_parts(after, language, count - first)


def parts_needed(text: str, language: str, reading: Reading) -> int:
    """Return in how many cues a text must be so that each fits; at most as many as it can be broken into."""
    most = max(1, len(units(text, language)))
    for count in range(1, most + 1):
        if all(fits(part, language, reading) for part in in_parts(text, language, count)):
            return count
    return most
