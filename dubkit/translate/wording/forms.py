"""Forms of one word: `Warden`, `warden's` and `wardens` are the same term.

The rule: two words are forms of one where they are the same in lower case, or where the Snowball stemmer of
the language gives both the same stem. A language without a stemmer compares words in lower case. In scripts
without blanks between words, a term is found wherever its characters stand.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from itertools import pairwise
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


def find_term(text: str, term: str, language: str, *, exact: bool = False) -> list[tuple[int, int]]:
    """Return where a term stands in a text, in any of its forms: start and end of each, without overlaps.

    `text` counts as it is in NFC. With `exact`, only the term itself is found, whatever its case.

    >>> find_term("The wardens left. Ask a warden!", "Warden", "en")
    [(4, 11), (24, 30)]
    """
    text, term = unicodedata.normalize("NFC", text), unicodedata.normalize("NFC", term)
    if script(language) in UNSPACED:
        return [found.span() for found in re.finditer(re.escape(term), text, re.IGNORECASE)]
    wanted = WORDS.findall(term)
    if not wanted:
        return []
    same = _same if exact else _like(base(language))
    words = list(WORDS.finditer(text))
    found: list[tuple[int, int]] = []
    for at in range(len(words) - len(wanted) + 1):
        window = words[at : at + len(wanted)]
        if found and window[0].start() < found[-1][1]:
            continue
        between = (text[one.end() : two.start()] for one, two in pairwise(window))
        if all(gap.isspace() for gap in between) and all(
            same(word.group(), other) for word, other in zip(window, wanted, strict=True)
        ):
            found.append((window[0].start(), window[-1].end()))
    return found


def has_term(text: str, term: str, language: str, *, exact: bool = False) -> bool:
    """Tell whether a term stands in a text, in any of its forms."""
    return bool(find_term(text, term, language, exact=exact))


def _same(word: str, other: str) -> bool:
    return word.casefold() == other.casefold()


@cache
def _like(language: str) -> Callable[[str, str], bool]:
    """Return what tells whether two words of a language are forms of one."""
    stem = _stemmer(language)

    def like(word: str, other: str) -> bool:
        return _same(word, other) or stem(word) == stem(other)

    return like


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
