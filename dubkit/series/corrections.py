"""Corrections that people make again and again: the same word changed into the same other word."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from dubkit.series.words import SeriesWords, in_language
from dubkit.translate.wording.forms import has_term, words_of

OFTEN = 3
"""Lines with the same correction from which it is offered as an entry."""
LONGEST = 3
"""Words that the two sides of a correction have at most."""


@dataclass(frozen=True, slots=True)
class EditedLine:
    """A line whose text a person changed."""

    episode: str
    line: str
    language: str
    source_language: str
    source: str
    before: str
    """What the machine had."""
    after: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A correction that could be an entry of the series."""

    id: str
    language: str
    wrong: str
    right: str
    source: str
    """The word of the source that all these lines have in common; empty where that cannot be told."""
    lines: tuple[tuple[str, str], ...]
    """Episode and line of each."""


def corrections(line: EditedLine) -> Iterator[tuple[str, str]]:
    """Yield what a person put in the place of what: some words for some others.

    >>> list(corrections(EditedLine("e", "s1", "fr", "en", "", "Le garde est là.", "Le veilleur est là.")))
    [('garde', 'veilleur')]
    """
    before, after = words_of(line.before), words_of(line.after)
    plain = [word.casefold() for word in before], [word.casefold() for word in after]
    for kind, a, b, c, d in SequenceMatcher(None, *plain, autojunk=False).get_opcodes():
        if kind == "replace" and b - a <= LONGEST and d - c <= LONGEST:
            yield " ".join(before[a:b]), " ".join(after[c:d])


def suggestions(
    lines: Iterable[EditedLine], words: SeriesWords, refused: Iterable[str] = ()
) -> list[Suggestion]:
    """Return the corrections that people made in at least three lines, the most frequent first.

    What the series has already, and what was refused, is left out.
    """
    found: dict[tuple[str, str, str], dict[tuple[str, str], EditedLine]] = {}
    shown: dict[tuple[str, str, str], tuple[str, str]] = {}
    for line in lines:
        for wrong, right in corrections(line):
            key = (line.language, wrong.casefold(), right.casefold())
            found.setdefault(key, {})[line.episode, line.line] = line
            shown.setdefault(key, (wrong, right))
    not_wanted = frozenset(refused)
    result = []
    for key, edited in found.items():
        name = hashlib.sha256("\0".join(key).encode()).hexdigest()[:8]
        if len(edited) < OFTEN or name in not_wanted or _is_known(words, key):
            continue
        result.append(
            Suggestion(name, key[0], *shown[key], _common_word(list(edited.values())), tuple(sorted(edited)))
        )
    return sorted(result, key=lambda one: (-len(one.lines), one.language, one.wrong))


def _is_known(words: SeriesWords, key: tuple[str, str, str]) -> bool:
    language, wrong, right = key
    return any(
        right in map(str.casefold, in_language(entry.approved, language) or ())
        and wrong in map(str.casefold, in_language(entry.forbidden, language) or ())
        for entry in words.terms
    )


def _common_word(lines: Sequence[EditedLine]) -> str:
    """Return the word of the source that all lines have: a name before others, then the longest."""
    first, others = lines[0], lines[1:]
    language = first.source_language
    shared = [
        word
        for word in words_of(first.source)
        if len(word) > 3 and all(has_term(line.source, word, language) for line in others)
    ]
    inside: Mapping[str, bool] = {word: word[:1].isupper() for word in shared}
    return max(shared, key=lambda word: (inside[word], len(word)), default="")
