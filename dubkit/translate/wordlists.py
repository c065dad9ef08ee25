"""Which words are said in which languages, by how often texts of a language use them (wordfreq)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

# The lists of related languages that have one in common, or go by another code.
_LISTED = {"no": "nb", "nn": "nb", "hr": "sh", "sr": "sh", "bs": "sh", "tl": "fil"}
# Their texts are not cut into words by blanks, so that lists of words say little.
_UNCUT = frozenset(("zh", "ja", "ko", "th"))

_RARER = 1.25
"""A word that is used at most this much more seldom than in the source's language is one of the target's:
powers of ten. `sorry` is half a power rarer in German than in English, `please` two."""
_COMMON = 3.9
"""Powers of ten of its uses in a thousand million words from which a word counts as common."""

_FOREIGN, _FOREIGN_LETTERS = 4.4, 3
"""Below this a word may be a foreign one, which has so many letters at least: shorter ones mean something."""

_KNOWN, _SEEN = 3.0, 2.0
"""From here a word belongs to what everybody knows, and to what is a word at all."""

_VOWEL = re.compile(r"[aeiouyáàâãäéèêëíìîïóòôõöúùûüý]")
_NO_VOWEL = frozenset(
    ("mr", "mrs", "ms", "dr", "jr", "st", "vs", "tv", "dj", "dvd", "cd", "pc", "kg", "km", "cm", "mm", "th")
)

# Cries and words that everybody says.
_CRIES = frozenset(
    re.findall(
        r"\w+",
        "ah aha ahh aw bingo bla bravo eh ha haha hah hee hey hm hmm ho huh hurrah la mhm mm mmm na oh ooh ok"
        " okay ow psst sh shh ta tada tra ugh uh uhm um whoa wow yay yo",
    )
)
# Understood far beyond the languages that have made them their own.
_LENT = frozenset(("stop", "bye"))
_LENT_RARER, _LENT_COMMON = 2.0, 3.5
# Said with these words, but with another meaning.
_FALSE_FRIENDS = frozenset((("come", "in"),))


def said_in_both(words: Sequence[str], source: str, target: str) -> bool | None:
    """Say whether words of one language are words of another one as well: `Help!` is Dutch, too.

    `words` are in lower case, `source` and `target` languages without region. None where there is no list.
    """
    if all(word in _CRIES for word in words):
        return True
    theirs, own = _uses(source), _uses(target)
    if theirs is None or own is None:
        return None
    if tuple(words) in _FALSE_FRIENDS:
        return False
    return all(word in _CRIES or _is_shared(word, theirs, own) for word in words)


def _is_shared(word: str, theirs: Mapping[str, float], own: Mapping[str, float]) -> bool:
    common, rarer = (_LENT_COMMON, _LENT_RARER) if word in _LENT else (_COMMON, _RARER)
    if word not in own or math.log10(own[word]) + 9 < common:
        return False
    return word not in theirs or math.log10(theirs[word]) - math.log10(own[word]) <= rarer


def is_word(word: str, language: str) -> bool:
    """Say whether a language has a word, or a compound of words; True where there is no list."""
    uses = _all_uses(language)
    if uses is None:
        return True
    return all(_has(part, uses) for part in re.split(r"[-']", word) if part)


def was_left(word: str, source: str, target: str, *, alone: bool = False) -> bool:
    """Say whether a word of the source's language is none of the target's, so that it was left as it was.

    Of a word that stands `alone` less proof is asked: it is the whole line.
    """
    if word in _CRIES:
        return False
    theirs, own = _all_uses(source), _all_uses(target)
    if theirs is None or own is None or _times(theirs.get(word, 0.0)) < (_SEEN if alone else _KNOWN):
        return False
    return _times(own.get(word, 0.0)) < min(_COMMON, _times(theirs[word]) - _RARER)


def is_foreign(word: str, source: str, target: str) -> bool:
    """Say whether a word of the source's language is rare in the target's, as names and loans are not."""
    theirs, own = _all_uses(source), _all_uses(target)
    if theirs is None or own is None or word in _CRIES or len(word) < _FOREIGN_LETTERS:
        return False
    known, there = _times(theirs.get(word, 0.0)), _times(own.get(word, 0.0))
    return known >= _KNOWN and there < _FOREIGN and known - there >= _RARER


def _has(part: str, uses: Mapping[str, float]) -> bool:
    if len(part) > 1 and not _VOWEL.search(part):
        return part in _NO_VOWEL or part in _CRIES
    return _times(uses.get(part, 0.0)) >= _SEEN


def _times(share: float) -> float:
    """Return the powers of ten of a word's uses in a thousand million words; 0 for one that is not used."""
    return max(0.0, math.log10(share) + 9) if share > 0 else 0.0


@lru_cache(maxsize=4)
def _all_uses(language: str) -> Mapping[str, float] | None:
    """Return the longest list that there is for a language, also with words that are rare."""
    if _uses(language) is None:
        return None
    from wordfreq import get_frequency_dict

    uses: Mapping[str, float] = get_frequency_dict(_LISTED.get(language, language), wordlist="best")
    return uses


@lru_cache(maxsize=8)
def _uses(language: str) -> Mapping[str, float] | None:
    """Return word -> share of the words of a language's texts that it is; None where there is no list."""
    from wordfreq import available_languages, get_frequency_dict

    code = _LISTED.get(language, language)
    if code in _UNCUT or code not in available_languages(wordlist="small"):
        return None
    uses: Mapping[str, float] = get_frequency_dict(code, wordlist="small")
    return uses
