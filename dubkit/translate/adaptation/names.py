"""The names of a line, so that none is lost where it is said otherwise."""

from __future__ import annotations

import re
import unicodedata

from dubkit.translate.language import base
from dubkit.translate.scripts import KEPT, WORD

_SENTENCE = re.compile(r"(?:^|[.!?…:;\u2014¿¡\"“«(\[]|\s[-\u2013]\s)\W*(?=[^\W\d_])")
_FIRST_PERSON = re.compile(r"I(?:['\u2019]\w+)?")
_CAPITAL_NOUNS = frozenset({"de", "lb"})
"""Languages that write every noun with a capital."""
_INTERJECTIONS = frozenset(
    re.findall(
        r"\w+",
        "a ah aha e eh ei ha hey hi hm hmm ho i ja me na no o oh ok okay ooh se si so uau uh um wow y",
    )
)
"""Words that begin sentences in several languages and are no names."""
_STEM = 3
_ENDINGS = 2
"""Letters that the ending of a name may differ by: `Merkel`, `Merkels`."""


def names(source: str, text: str, source_language: str, language: str) -> list[str]:
    """Return the names that a translation has: what it has kept of the source, and its own capitals.

    >>> names("Tell Maria that Lisbon is far.", "Diga a Maria que Lisboa fica longe.", "en", "pt-BR")
    ['Maria', 'Lisboa']
    """
    if source.isupper() or text.isupper():
        return [address for address in KEPT.findall(text) if address in source]
    given = [word for word, _ in _capitals(source, base(source_language))]
    inside_source = [word for word, inside in _capitals(source, base(source_language)) if inside]
    found: dict[str, None] = dict.fromkeys(address for address in KEPT.findall(text) if address in source)
    for word, inside in _capitals(text, base(language)):
        kept = any(_plain(word) == _plain(other) for other in given)
        like = any(_alike(word, other) for other in inside_source)
        own = inside and base(language) not in _CAPITAL_NOUNS
        if own or ((kept or like) and (inside or _plain(word) not in _INTERJECTIONS)):
            found[word] = None
    return list(found)


def has_name(text: str, name: str) -> bool:
    """Say whether a text has a name, whatever its ending."""
    if not WORD.fullmatch(name):
        return name in text
    return any(_alike(name, word) for word in WORD.findall(text))


def _capitals(text: str, language: str) -> list[tuple[str, bool]]:
    """Return the words with a capital, each with whether it stands inside a sentence."""
    starts = {found.end() for found in _SENTENCE.finditer(text)}
    return [
        (found.group(), found.start() not in starts)
        for found in WORD.finditer(text)
        if found.group()[0].isupper() and not (language == "en" and _FIRST_PERSON.fullmatch(found.group()))
    ]


def _alike(word: str, other: str) -> bool:
    one, two = _plain(word), _plain(other)
    if one == two:
        return True
    shorter, longer = sorted((one, two), key=len)
    least = max(_STEM, len(shorter) - _ENDINGS)
    return (
        len(longer) - len(shorter) <= _ENDINGS and len(shorter) > _STEM and shorter[:least] == longer[:least]
    )


def _plain(word: str) -> str:
    """Return a word in lower case without accents and without an English genitive."""
    parts = unicodedata.normalize("NFD", re.sub(r"['\u2019]s$", "", word.casefold()))
    return "".join(c for c in parts if not unicodedata.combining(c))
