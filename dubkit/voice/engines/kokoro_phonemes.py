"""Text to the phonemes that Kokoro was trained on, through espeak-ng."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Mapping
from threading import Lock
from typing import Any

from dubkit.errors import VoiceError

MAX_TOKENS = 480
"""Longest piece for one call; the model's position table ends at 510 with both end marks."""

LANGUAGES: Mapping[str, str] = {
    "de": "de",
    "en": "en-us",
    "en-gb": "en-gb",
    "es": "es",
    "es-419": "es-419",
    "fr": "fr-fr",
    "hi": "hi",
    "it": "it",
    # Plain "pt" is Brazilian, as in CLDR: espeak's own "pt" is European, which Kokoro was not trained on.
    "pt": "pt-br",
    "pt-br": "pt-br",
    "pt-pt": "pt",
}
"""espeak voice of each language that Kokoro speaks; other regions take the entry of their language."""

_NEAREST: Mapping[str, str] = {
    "g": "\u0261",
    "\u028f": "y",
    "ɵ": "o",
    "ɘ": "ə",
    "ɞ": "ɜ",
    "ɶ": "œ",
    "ɫ": "l",
    "ʍ": "w",
    "ɱ": "m",
    "ʀ": "ʁ",
    "ɦ": "h",
    "ħ": "h",
    "ʑ": "ʒ",
    "ɓ": "b",
    "ɗ": "d",
    "ʙ": "b",
    "ɬ": "l",
    "ʟ": "l",
    "‖": ",",
    "«": "“",
    "»": "”",
    "„": "“",
    "‟": "”",
    "\u2018": "“",
    "\u2013": "—",
    "\u2012": "—",
}
"""Stand-ins for symbols that espeak can give and the vocabulary lacks."""

_TRAINED: Mapping[str, tuple[tuple[str, str], ...]] = {
    # Kokoro was not trained on German. The English diphthong for "eu" and a plain vowel for final "-er" took
    # the word error of eight lines from 0.13 to 0.04; "heute" had been heard as "hota", "Feier" as "Feu".
    "de": (("ɔø", "Y"), ("ɜ", "ɐ")),
}
"""Phonemes that Kokoro says better as other ones, by espeak voice."""

_SENTENCE = re.compile(r"(?<=[.!?…])\s+")
_CLAUSE = re.compile(r"(?<=[;:,—”)])\s+")
_WORD = re.compile(r"\s+")


def espeak_code(language: str) -> str | None:
    """Return the espeak voice with which Kokoro speaks a language tag, None when it cannot.

    >>> [espeak_code(tag) for tag in ("pt-BR", "pt-PT", "es-MX", "de-AT", "ja")]
    ['pt-br', 'pt', 'es-419', 'de', None]
    """
    tag = language.replace("_", "-").lower()
    if tag in LANGUAGES:
        return LANGUAGES[tag]
    base, _, region = tag.partition("-")
    if base == "es" and region not in ("", "es"):
        return LANGUAGES["es-419"]
    return LANGUAGES.get(base)


class Phonemiser:
    """Phonemes of one vocabulary; keeps one espeak-ng backend for each language it has met.

    Threads may share it: the library of espeak-ng has one state for all, so they take turns.
    """

    def __init__(self, symbols: frozenset[str]) -> None:
        self._symbols = symbols
        self._backends: dict[str, Any] = {}
        self._turn = Lock()

    def __call__(self, text: str, language: str) -> str:
        """Return phonemes that all are in the vocabulary. Raises VoiceError for a language without them."""
        code = espeak_code(language)
        if code is None:
            raise VoiceError(f"Kokoro cannot speak {language!r}. It speaks: {', '.join(sorted(LANGUAGES))}.")
        with self._turn:
            if code not in self._backends:
                self._backends[code] = _backend(code)
            phonemes = self._backends[code](text)[0]
        for written, trained in _TRAINED.get(code, ()):
            phonemes = phonemes.replace(written, trained)
        return known_symbols(phonemes, self._symbols)


def _backend(code: str) -> Any:
    from misaki.espeak import EspeakG2P  # type: ignore[import-untyped]

    backend = EspeakG2P(language=code)
    # It warns of each foreign word that espeak reads by that language's rules; building it sets the level.
    logging.getLogger("phonemizer").setLevel(logging.ERROR)
    return backend


def known_symbols(phonemes: str, symbols: frozenset[str]) -> str:
    """Return `phonemes` with every symbol outside the vocabulary replaced by its nearest one, or dropped."""
    kept = "".join(_known(symbol, symbols) for symbol in phonemes)
    return re.sub(r"\s+", " ", kept).strip()


def _known(symbol: str, symbols: frozenset[str]) -> str:
    if symbol in symbols:
        return symbol
    nearest = _NEAREST.get(symbol, "")
    if nearest in symbols:
        return nearest
    # A precomposed letter, such as ũ, is its base letter and a nasal mark.
    return "".join(part for part in unicodedata.normalize("NFD", symbol) if part in symbols)


def pieces(phonemes: str, limit: int = MAX_TOKENS) -> list[str]:
    """Split phonemes into pieces of at most `limit` symbols: at sentences, else clauses, else words."""
    return _split(phonemes.strip(), limit, (_SENTENCE, _CLAUSE, _WORD))


def _split(text: str, limit: int, marks: tuple[re.Pattern[str], ...]) -> list[str]:
    if len(text) <= limit:
        return [text] if text else []
    if not marks:
        return [text[at : at + limit] for at in range(0, len(text), limit)]
    found: list[str] = []
    for part in marks[0].split(text):
        if found and len(found[-1]) + 1 + len(part) <= limit:
            found[-1] = f"{found[-1]} {part}"
        else:
            found.extend(_split(part, limit, marks[1:]))
    return found
