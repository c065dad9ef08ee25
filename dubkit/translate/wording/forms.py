"""Forms of one word: `Warden`, `warden's` and `wardens` are the same term.

The rule: two words are forms of one where they are the same in lower case, or where the Snowball stemmer of
the language gives both the same stem. A language without a stemmer compares words in lower case. In scripts
without blanks between words, a term is found wherever its characters stand.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from dubkit.translate.language import base, script

if TYPE_CHECKING:
    from collections.abc import Callable

UNSPACED = frozenset({"Hans", "Hant", "Hani", "Jpan", "Thai", "Laoo", "Khmr", "Mymr"})
"""Scripts that write no blanks between words."""

WORDS = re.compile(r"[^\W_]+(?:[-'\u2019][^\W_]+)*")
_GENITIVE = re.compile(r"['\u2019]s?$")
_PORTUGUESE_PLURAL = re.compile(r"(?:õe|ãe|ão)s$")

STEMMERS = {
    "ar": "arabic", "hy": "armenian", "eu": "basque", "ca": "catalan", "cs": "czech", "da": "danish",
    "nl": "dutch", "en": "english", "eo": "esperanto", "et": "estonian", "fi": "finnish", "fr": "french",
    "de": "german", "el": "greek", "hi": "hindi", "hu": "hungarian", "id": "indonesian", "ga": "irish",
    "it": "italian", "lt": "lithuanian", "ne": "nepali", "nb": "norwegian", "nn": "norwegian",
    "no": "norwegian", "fa": "persian", "pl": "polish", "pt": "portuguese", "ro": "romanian",
    "ru": "russian", "sr": "serbian", "es": "spanish", "sv": "swedish", "ta": "tamil", "tr": "turkish",
    "yi": "yiddish",
}  # fmt: skip
"""Language -> its Snowball stemmer."""


def words_of(text: str) -> list[str]:
    """Return the words of a text as they are written."""
    return WORDS.findall(unicodedata.normalize("NFC", text))


@dataclass(frozen=True, slots=True)
class WordForm:
    """A word of a text with what it is compared by."""

    start: int
    end: int
    plain: str
    """In lower case."""
    stem: str
    joined: bool
    """Whether only blanks part it from the word before."""


@lru_cache(maxsize=4096)
def word_forms(text: str, language: str) -> tuple[WordForm, ...]:
    """Return the words of a text in NFC, as words of a language."""
    stem = _stemmer(base(language))
    found, end = [], 0
    for word in WORDS.finditer(text):
        plain = word.group().casefold()
        found.append(
            WordForm(word.start(), word.end(), plain, stem(plain), text[end : word.start()].isspace())
        )
        end = word.end()
    return tuple(found)


def unspaced(language: str) -> bool:
    """Tell whether a language writes no blanks between words."""
    return script(language) in UNSPACED


def find_term(text: str, term: str, language: str, *, exact: bool = False) -> list[tuple[int, int]]:
    """Return where a term stands in a text, in any of its forms: start and end of each, without overlaps.

    `text` counts as it is in NFC. With `exact`, only the term itself is found, whatever its case.

    >>> find_term("The wardens left. Ask a warden!", "Warden", "en")
    [(4, 11), (24, 30)]
    """
    text, term = unicodedata.normalize("NFC", text), unicodedata.normalize("NFC", term)
    if unspaced(language):
        return [found.span() for found in re.finditer(re.escape(term), text, re.IGNORECASE)]
    wanted, words = word_forms(term, language), word_forms(text, language)
    found: list[tuple[int, int]] = []
    for at in range(len(words) - len(wanted) + 1) if wanted else ():
        if not (found and words[at].start < found[-1][1]) and stands_at(words, at, wanted, exact=exact):
            found.append((words[at].start, words[at + len(wanted) - 1].end))
    return found


def stands_at(words: Sequence[WordForm], at: int, wanted: Sequence[WordForm], *, exact: bool) -> bool:
    """Tell whether some words stand at a place of a text, one after the other."""
    own = words[at : at + len(wanted)]
    return (
        len(own) == len(wanted)
        and all(word.joined for word in own[1:])
        and all(
            word.plain == other.plain if exact else word.stem == other.stem
            for word, other in zip(own, wanted, strict=True)
        )
    )


def has_term(text: str, term: str, language: str, *, exact: bool = False) -> bool:
    """Tell whether a term stands in a text, in any of its forms."""
    return bool(find_term(text, term, language, exact=exact))


@cache
def _stemmer(language: str) -> Callable[[str], str]:
    """Return what gives the stem of a word; its lower case where the language has no stemmer."""
    if language not in STEMMERS:
        return str.casefold
    from snowballstemmer import stemmer  # type: ignore[import-untyped]

    stems = stemmer(STEMMERS[language])

    @cache
    def stem(word: str) -> str:
        plain = _GENITIVE.sub("", word.casefold())
        if language == "pt":
            plain = _PORTUGUESE_PLURAL.sub("ão", plain)  # the stemmer keeps `guardiões` apart from `guardião`
        return str(stems.stemWord(plain))

    return stem
