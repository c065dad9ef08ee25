"""Whether words of a line are missing, added, others, or in the language of the source."""

from __future__ import annotations

from dataclasses import dataclass

from dubkit.qc.alignment import Difference, letter_error
from dubkit.qc.check import Check, Finding
from dubkit.qc.evidence import LineEvidence
from dubkit.qc.text import is_unspaced, likelier_language, units
from dubkit.settings import Count, Share, option

LETTERS_PER_CHARACTER = 3
"""Letters that a character of Chinese, Japanese or Thai counts for."""

SIGNS = frozenset("\u00b0%\u20ac$\u00a3&+=#@")
"""Signs that are heard for words; with one that the line does not have, letters cannot be counted."""


@dataclass(frozen=True, slots=True)
class MissingLimit:
    """Words that are not heard."""

    on: bool = option(True, "Look for words of a line that are not heard.")
    letters: Count = option(6, "Letters in a row that are not heard, from which a line is flagged.", job=True)


@dataclass(frozen=True, slots=True)
class AddedLimit:
    """Words that the line does not have."""

    on: bool = option(True, "Look for words that a line does not have.")
    letters: Count = option(6, "Letters in a row too many, from which a line is flagged.", job=True)


@dataclass(frozen=True, slots=True)
class LetterLimit:
    """Letters that are heard wrong."""

    on: bool = option(True, "Compare what was heard letter by letter.")
    most: Share = option(0.35, "Share of letters heard wrong above which a line is flagged.", job=True)
    letters: Count = option(12, "Letters that a line must have: less is often misheard alone.")


@dataclass(frozen=True, slots=True)
class LeakLimit:
    """The source's language in the dub."""

    # Off: a recogniser that is told to hear one language writes speech of another one as words of its own.
    on: bool = option(False, "Look for the language of the source in what is heard.")
    sure: Share = option(
        0.9, "How sure the language of what was heard must be, from 0 to 1, for a line to be flagged."
    )


@dataclass(frozen=True, slots=True)
class LeftLimit:
    """Words that were not translated."""

    on: bool = option(True, "Look for words of the source in the text of a line.")


def _weight(line: LineEvidence) -> int:
    return LETTERS_PER_CHARACTER if is_unspaced(line.language) else 1


def _joined(words: tuple[str, ...], line: LineEvidence) -> str:
    return ("" if is_unspaced(line.language) else " ").join(words)


def _places(line: LineEvidence) -> list[Difference]:
    """Return where something else was heard; none where nothing of the line was, which is another fault."""
    whole = len(line.differences) == 1 and line.differences[0].said == tuple(units(line.text, line.language))
    return [] if whole else list(line.differences)


def _misses(line: LineEvidence, limit: MissingLimit) -> Finding:
    if SIGNS.intersection(line.heard or "") - SIGNS.intersection(line.text):
        return Finding(False)
    worst = max(_places(line), key=lambda place: place.missing, default=None)
    if worst is None or worst.missing * _weight(line) < max(1, limit.letters):
        return Finding(False)
    return Finding(True, _joined(worst.said, line))


def _adds(line: LineEvidence, limit: AddedLimit) -> Finding:
    worst = max(_places(line), key=lambda place: place.added, default=None)
    if worst is None or worst.added * _weight(line) < max(1, limit.letters):
        return Finding(False)
    return Finding(True, _joined(worst.heard, line))


def _differs(line: LineEvidence, limit: LetterLimit) -> Finding:
    assert line.heard is not None, "the check is asked where somebody listened"
    said = units(line.text, line.language)
    error = letter_error(said, units(line.heard, line.language))
    long = sum(map(len, said)) * _weight(line) >= limit.letters
    return Finding(long and not line.unheard and error > limit.most, round(error, 3))


def _speaks_source(line: LineEvidence, limit: LeakLimit) -> bool:
    assert line.heard is not None, "the check is asked where somebody listened"
    if not line.source_language or line.unheard:
        return False
    sure = likelier_language(line.heard, line.source_language, line.language)
    if not line.text_known:
        return sure is not None and sure >= limit.sure
    if line.source_text and _is_nearer_to_the_source(line):
        return True
    own = likelier_language(line.text, line.source_language, line.language)
    return sure is not None and own is not None and sure >= limit.sure and own < 1 - limit.sure


def _is_nearer_to_the_source(line: LineEvidence) -> bool:
    """Tell whether most of what the source says was heard, and hardly anything of the line."""
    heard = units(line.heard or "", line.source_language)
    source, text = units(line.source_text, line.source_language), units(line.text, line.source_language)
    return letter_error(source, heard) < 0.5 < letter_error(text, heard)


def _is_left(line: LineEvidence, _: LeftLimit) -> Finding:
    return Finding(bool(line.source_words), line.source_words or None)


MISSING = Check(
    "missing-words",
    "Words missing",
    "Words of the line are not heard.",
    line=_misses,
    needs=("heard", "text"),
    settings=MissingLimit,
    measures="Not heard",
)
ADDED = Check(
    "added-words",
    "Words added",
    "Words are heard that the line does not have.",
    line=_adds,
    needs=("heard", "text"),
    settings=AddedLimit,
    measures="Heard beside it",
)
LETTERS = Check(
    "letter-error",
    "Letters differ",
    "Too many letters of the line were heard as others.",
    line=_differs,
    needs=("heard", "text"),
    settings=LetterLimit,
    measures="Letter error",
    quiet=True,
    score=lambda error: max(0.0, 1.0 - error),
)
SOURCE_LANGUAGE = Check(
    "source-language",
    "Source language",
    "The language of the source is heard in the dub.",
    line=_speaks_source,
    needs=("heard",),
    settings=LeakLimit,
)
LEFT = Check(
    "source-words",
    "Words not translated",
    "The text of the line still has words of the source.",
    line=_is_left,
    needs=("source_words",),
    settings=LeftLimit,
    measures="Not translated",
    retake=False,
)
