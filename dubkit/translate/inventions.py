# ruff: noqa: RUF001 - dialogue is written with typographic marks
"""Find what a small network invents: words that are none, words it left, brackets, cut ends, other matters.

A network that has seen too little of a line writes something all the same. Its own translation back shows
much of that, since it does not lead to the source again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from dubkit.translate.checks import Fault
from dubkit.translate.lines import BAD_REPLY, ECHO
from dubkit.translate.scripts import KEPT, WORD
from dubkit.translate.wordlists import is_word, was_left

_BRACKETS = re.compile(r"[(\[{]")
_END = re.compile(r"[.!?…:;,\"”’»)\]—–-]\s*$")

# What the network writes where it knows nothing: `Phew (em inglês).`
_NAMES = "english|german|japanese|portuguese|inglês|alemão|japonês|português"
_LANGUAGE = re.compile(rf"\b(?:{_NAMES})", re.IGNORECASE)
_IN_LANGUAGE = re.compile(rf"\b(?:in|em|de|do) (?:{_NAMES})\b", re.IGNORECASE)

_ROMAN = re.compile(r"\b[IVXLCDM]{1,7}\b")
_SOMEBODY = re.compile(r"\W*(?:it|he|she|they)\b", re.IGNORECASE)
_PERSON = re.compile(r"\b(?:ele|ela|eles|elas|isso|isto|foi|é|era|está|tá)\b", re.IGNORECASE)

_NEAR = 0.18
"""Likeness of a sentence and its translation there and back from which both may say the same."""
_NEAR_SHORT, _SHORT = 0.1, 4
_NEAR_LONGER, _WORDS = 0.3, 2
"""Up to so many words a translation that is much longer must lead back more closely."""


_STEM = 5
"""Letters that a rare word and its translation begin with alike."""


class InventionChecks:
    """Checks for one direction of a network; `back` translates a sentence the other way."""

    def __init__(self, source: str, target: str, back: Callable[[str], str]) -> None:
        self._source = source
        self._target = target
        self._back = back

    def fault(self, source: str, text: str) -> Fault | None:
        """Return what shows that `text` was invented rather than translated from `source`, or None."""
        if Counter(KEPT.findall(source)) != Counter(KEPT.findall(text)):
            return Fault(BAD_REPLY, "does not keep an address")
        bare, said = KEPT.sub(" ", source), KEPT.sub(" ", text)
        if len(_BRACKETS.findall(said)) > len(_BRACKETS.findall(bare)):
            return Fault(BAD_REPLY, "has brackets that its source has not")
        if _IN_LANGUAGE.search(said) and not _LANGUAGE.search(bare):
            return Fault(BAD_REPLY, "names a language that its source does not name")
        if _END.search(bare) and not _END.search(said) and said.strip():
            return Fault(BAD_REPLY, "is cut off")
        if _digits(bare) != _digits(said) and not _ROMAN.search(said):
            return Fault(BAD_REPLY, "has other numbers")
        if self._target == "en" and _is_command(bare) and _SOMEBODY.match(said):
            return Fault(BAD_REPLY, "says of somebody what is a command")
        return self._word_fault(bare, said) or self._meaning_fault(bare, said)

    def _word_fault(self, source: str, text: str) -> Fault | None:
        given = {word.casefold() for word in WORD.findall(source)}
        for place, word in enumerate(WORD.findall(text)):
            plain = word.casefold().replace("’", "'")
            if word.isupper() and len(word) <= 4:
                continue  # an abbreviation
            if word[:1].isupper() and place and not text.isupper():
                continue  # a name
            if plain in given:
                if was_left(plain, self._source, self._target, alone=len(given) == 1):
                    return Fault(ECHO, f"leaves {word!r}")
            elif not is_word(plain, self._target) and not self._is_rare_in(given, plain):
                return Fault(BAD_REPLY, f"has {word!r}, which is no word")
        return None

    def _is_rare_in(self, given: set[str], word: str) -> bool:
        """Tell whether a word stands for one that its source's list lacks: `diarização`, `diarization`."""
        return any(
            other[:_STEM] == word[:_STEM] and len(other) > _STEM and not is_word(other, self._source)
            for other in given
        )

    def _meaning_fault(self, source: str, text: str) -> Fault | None:
        asked, got = len(WORD.findall(source)), len(WORD.findall(text))
        if not asked or not got:
            return None
        if asked <= _WORDS:
            least = _NEAR_LONGER if got > asked + 2 else _NEAR_SHORT
        else:
            least = _NEAR_SHORT if asked <= _SHORT else _NEAR
        if least and likeness(source, self._back(text)) < least:
            return Fault(BAD_REPLY, "says something else, as its translation back shows")
        return None


def _digits(text: str) -> str:
    """Return the digits of a text in an order that does not depend on how numbers are written."""
    return "".join(sorted(character for character in text if character.isdigit()))


def _is_command(source: str) -> bool:
    """Say whether a line is one or two words of Portuguese cried out, without a person."""
    words = WORD.findall(source)
    return source.rstrip().endswith("!") and len(words) <= _WORDS and not _PERSON.search(source)


def likeness(first: str, second: str) -> float:
    """Return how alike two texts of one language are by their groups of three letters: 0 to 1."""
    one, other = _groups(first), _groups(second)
    total = sum(one.values()) + sum(other.values())
    return 2 * sum((one & other).values()) / total if total else 1.0


def _groups(text: str) -> Counter[str]:
    words = (f" {word.casefold()} " for word in WORD.findall(text))
    return Counter(word[i : i + 3] for word in words for i in range(len(word) - 2))
