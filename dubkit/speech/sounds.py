# ruff: noqa: RUF001 - vowels of several alphabets
"""How many sounds and syllables a text has, and the least time that saying it takes.

Counted from spelling alone, so that every language has an answer. It is meant for limits, not for lengths.
"""

from __future__ import annotations

import math
import unicodedata
from functools import lru_cache
from itertools import groupby

SHORTEST_SOUND = 0.03
"""Seconds. Klatt (1976, JASA 59) finds sounds incompressible below about 45 % of their usual length, which is
70 ms for the shortest; forced aligners, with three frames of 10 ms to a sound, have the same limit."""

SHORTEST_SYLLABLE = 0.08
"""Seconds per syllable inside a word of several: the quickest stretches of talk reach 12 a second."""

SHORTEST_WORD = 0.06
"""Seconds: an unstressed `a` or `the` in quick talk."""

QUICKEST_TALK = 10.0
"""Syllables per second that nobody keeps up over a line. Languages are spoken at 5 to 8 on average
(Pellegrino, Coupé and Marsico 2011, Language 87)."""

VOWELS = frozenset("aeiouyаеёиоуыэюяієαεηιουω")
ONE_SOUND = ("sch", "tch", "sh", "ch", "th", "ph", "ck", "gh", "qu", "ng", "lh", "nh", "gn")
"""Groups of letters that stand for one sound."""

WHOLE_SYLLABLES = ("CJK UNIFIED", "HIRAGANA", "KATAKANA", "HANGUL")
PART_OF_ONE = frozenset("ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮーんン")
"""Letters of such scripts that belong to the syllable before them."""
WITH_VOWELS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "GEORGIAN")
"""How Unicode names begin in scripts of syllables, and in those that write every vowel."""


def syllables(text: str) -> int:
    """Return about how many syllables a text has; every word has one at least.

    >>> syllables("originally"), syllables("the time"), syllables("IBM"), syllables("東京")
    (5, 2, 3, 2)
    """
    return sum(_counted(word)[1] for word in text.split())


def sounds(text: str) -> int:
    """Return about how many speech sounds a text has.

    >>> sounds("through"), sounds("a")
    (4, 1)
    """
    return sum(_counted(word)[0] for word in text.split())


def shortest_word(word: str) -> float:
    """Return the least time in which a word can be spoken; 0 for one without letters and digits."""
    count, beats = sounds(word), syllables(word)
    if not count:
        return 0.0
    return max(SHORTEST_WORD, SHORTEST_SOUND * count, SHORTEST_SYLLABLE * beats if beats > 1 else 0.0)


def shortest_line(text: str) -> float:
    """Return the least time in which the words of a line can be spoken one after the other."""
    return syllables(text) / QUICKEST_TALK


@lru_cache(maxsize=4096)
def _counted(word: str) -> tuple[int, int]:
    """Return the sounds and the syllables of one word."""
    letters = [c for c in word if c.isalpha()]
    digits = sum(c.isdigit() for c in word)
    # A long number takes fewer syllables than it has digits: 2000000.
    count, beats = 2 * digits, digits if digits < 3 else math.ceil(digits / 2)
    if letters and len(letters) <= 4 and all(c.isupper() for c in letters) and len(letters) + digits > 1:
        return count + 2 * len(letters), beats + len(letters)  # read letter by letter: IBM, P2
    for script, run in groupby(letters, key=_script):
        more, syllables = _spelled("".join(run), script)
        count, beats = count + more, beats + syllables
    return count, max(beats, 1 if count else 0)


def _script(letter: str) -> str:
    name = unicodedata.name(letter, "")
    if name.startswith(WHOLE_SYLLABLES):
        return "syllables"
    return "alphabet" if name.startswith(WITH_VOWELS) else "consonants"


def _spelled(letters: str, script: str) -> tuple[int, int]:
    """Return the sounds and the syllables of letters of one kind of script."""
    if script == "syllables":
        whole = sum(letter not in PART_OF_ONE for letter in letters)
        return 2 * whole, whole
    if script == "consonants":
        return len(letters), math.ceil(len(letters) / 2)
    bare = "".join(c for c in unicodedata.normalize("NFD", letters.casefold()) if c.isalpha())
    # A final `e` is mute more often than not in English and French, and costs nothing elsewhere.
    beats = sum(1 for vowel, _ in groupby(bare, key=VOWELS.__contains__) if vowel)
    mute = beats > 1 and bare[-1] == "e" and bare[-2] not in VOWELS
    for group in ONE_SOUND:
        bare = bare.replace(group, group[0])
    single = [letter for letter, _ in groupby("a" if c in VOWELS else c for c in bare)]
    return len(single) - mute, beats - mute
