"""How many syllables a text has, counted from its letters, and how many people say in a second.

Counted from letters because it must be the same on every machine, whatever is installed; what a count is
wrong by in a language, such as the silent vowels of French, is part of the measured pace of each voice.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

PUBLISHED: Mapping[str, float] = {
    "de": 5.97,
    "en": 6.19,
    "es": 7.82,
    "fr": 7.18,
    "it": 6.99,
    "ja": 7.84,
    "vi": 5.22,
    "zh": 5.18,
}
"""Syllables per second of people who read aloud, pauses left out: F. Pellegrino, C. Coupé and E. Marsico,
A cross-language perspective on speech information rate, Language 87 (2011)."""

USUAL = 6.5
"""Syllables per second of a language that is not in `PUBLISHED`: near the mean of those that are."""

_LATIN = "aeiouy\u00f8\u0153\u00e6"
_GREEK = "\u03b1\u03b5\u03b7\u03b9\u03bf\u03c5\u03c9"
_CYRILLIC = "\u0430\u0435\u0451\u0438\u043e\u0443\u044b\u044d\u044e\u044f\u0454\u0456\u0457\u0450\u045d"
_CYRILLIC_BREVES = "\u0439\u045e"
"""Letters that would be vowels without their mark."""

_UNWRITTEN = re.compile(r"[\u0590-\u0dff\u0e00-\u109f]")
"""Letters of scripts that leave out vowels, or write them around the consonants."""

LETTERS = 2
"""Letters of such a script for each syllable."""

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_NUCLEUS = {
    "": re.compile(f"[{_LATIN}{_GREEK}]+|[{_CYRILLIC}]"),
    "de": re.compile(r"aa|ai|au|ay|äu|ee|ei|eu|ey|ie(?!r)|oo|ui|[aeiouyäöü]"),
    "en": re.compile(r"[aeiouy]+"),
    "es": re.compile(r"[iuy]?[aeoáéó][iuy]?|[iuyíúü]+"),
    "fr": re.compile(r"[aeiouyàâäéèêëîïôöùûüœæ]+"),
    "it": re.compile(r"[iu]?[aeoàèéò][iu]?|[iuìù]+"),
    "pt": re.compile(r"[iu]?[aeoáâãàéêóôõ][iu]?|[iuíúü]+"),
}
"""Language -> what makes a syllable; in Romance languages a weak vowel belongs to its strong neighbour."""

_SILENT = {
    "en": re.compile(r"(?<=[^aeiouyl])e$|(?<=[aeiouy]l)e$|(?<=[^aeioudt])ed$"),
    "fr": re.compile(r"(?<=.)(?:e|es)$"),
}
"""Language -> an ending without a vowel of its own, as it is usually said."""


def syllables(text: str, language: str) -> int:
    """Return how many syllables a spoken text has, about; at least one for each word.

    >>> syllables("Eu não sei o que aconteceu ontem.", "pt-BR"), syllables("I made a cake", "en")
    (12, 4)
    """
    base = language.replace("_", "-").lower().partition("-")[0]
    return sum(_of_word(word.lower(), base) for word in _WORD.findall(text))


def published_rate(language: str) -> float:
    """Return how many syllables per second people say in a language."""
    return PUBLISHED.get(language.replace("_", "-").lower().partition("-")[0], USUAL)


def _of_word(word: str, base: str) -> int:
    signs = sum(map(_is_syllable, word))
    if signs:
        return signs
    if letters := len(_UNWRITTEN.findall(word)):
        return max(1, letters // LETTERS)
    silent = _SILENT.get(base)
    if silent is not None:
        word = silent.sub("", word)
    nuclei = _NUCLEUS.get(base)
    if nuclei is None:
        nuclei, word = _NUCLEUS[""], _without_accents(word)
    return max(1, len(nuclei.findall(word)))


def _without_accents(word: str) -> str:
    return "".join(c if c in _CYRILLIC_BREVES else unicodedata.normalize("NFD", c)[0] for c in word)


def _is_syllable(character: str) -> bool:
    """Say whether a character is a syllable by itself: kana without the small ones, Han, Hangul."""
    return ("\u3041" <= character <= "\u30fa" and character not in "ぁぃぅぇぉゃゅょァィゥェォャュョ") or (
        "\u3400" <= character <= "\u9fff" or "\uac00" <= character <= "\ud7a3"
    )
