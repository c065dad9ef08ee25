"""Recognised words made trustworthy: times inside the speech, no loops, no stock phrases.

Words keep the leading space that the recogniser writes where a new word begins (` real`, `-time`);
languages written without spaces have none.
"""

from __future__ import annotations

import math
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from dubkit.speech.phrases import MARKS, SENTENCE_ENDS, SHORT_STOCK, STOCK_PHRASES
from dubkit.types import Word

SHORTEST_WORD = 0.02
SLIVER = 0.08
"""Seconds of a word beyond a pause that are rounding (the recogniser counts in 0.02 s), not speech."""

SNAP = 0.5
"""Seconds a word may lie outside the speech and still belong to it; beyond, nothing was said."""

UNSPACED = ("CJK UNIFIED", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")
"""How Unicode names begin in scripts without spaces between words."""

LONGEST_LOOP = 40
FASTEST = 35.0
FASTEST_CJK = 16.0
"""Characters per second that nobody speaks; repeated text squeezed into less time was made up."""


def plain(text: str) -> str:
    """Return lower-case text without punctuation at its ends, for comparing words."""
    return text.casefold().strip(MARKS)


def is_cjk(text: str) -> bool:
    """Whether the text is of a script written without spaces between words."""
    return any(
        unicodedata.name(letter, "").startswith(
            ("CJK UNIFIED", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER")
        )
        for letter in text
    )


def place_words(words: Sequence[Word], spans: Sequence[tuple[float, float]]) -> list[Word]:
    """Return the words with times inside the speech, in order and without overlap.

    The recogniser lets a word begin where the one before ended, so a pause is charged to the word
    after it. Words farther than `SNAP` from any speech are dropped.
    """
    placed: list[Word] = []
    for word in words:
        times = _inside_speech(word, spans)
        if times is None:
            continue
        start = max(times[0], placed[-1].end if placed else 0.0)
        end = max(times[1], start + SHORTEST_WORD)
        placed.append(replace(word, start=round(start, 3), end=round(end, 3)))
    return placed


def missed_speech(
    words: Sequence[Word], spans: Sequence[tuple[float, float]], longest: float
) -> list[tuple[float, float]]:
    """Return the parts of speech `spans`, over `longest` seconds each, in which no word was heard."""
    missed: list[tuple[float, float]] = []
    for start, end in spans:
        reached = start
        for word in sorted((w for w in words if w.end > start and w.start < end), key=lambda w: w.start):
            if word.start - reached > longest:
                missed.append((reached, word.start))
            reached = max(reached, word.end)
        if end - reached > longest:
            missed.append((reached, end))
    return missed


def _inside_speech(word: Word, spans: Sequence[tuple[float, float]]) -> tuple[float, float] | None:
    first = bisect_right(spans, word.start, key=lambda span: span[1])
    touched = []
    for start, end in spans[first:]:
        if start >= word.end:
            break
        touched.append((max(start, word.start), min(end, word.end)))
    closes = word.text.rstrip()[-1:] in SENTENCE_ENDS
    following = next((span for span in spans[first:] if span[0] >= word.end), None)
    if touched and following and not closes and following[0] - word.end < word.end - touched[-1][1] - SLIVER:
        # Stretched over most of the pause that follows: its sound is on the other side.
        return following[0], following[0] + SLIVER
    if touched:
        enough = [piece for piece in touched if piece[1] - piece[0] >= SLIVER] or touched
        return enough[0] if closes else enough[-1]
    near = [span for span in spans[max(0, first - 1) : first + 1]]
    if not near:
        return None
    start, end = min(near, key=lambda span: max(span[0] - word.end, word.start - span[1]))
    if max(start - word.end, word.start - end) > SNAP:
        return None
    return (start, start + SHORTEST_WORD) if word.end <= start else (end - SHORTEST_WORD, end)


def drop_loops(words: Sequence[Word]) -> list[Word]:
    """Return the words without passages the recogniser repeated by itself.

    People repeat themselves too: a repetition goes only when there was no time to say it, when the
    recogniser did not believe it, or when it comes more often than anyone would say it.
    """
    kept: list[Word] = []
    index = 0
    keys = [plain(word.text) for word in words]
    while index < len(words):
        period = _loop_before(kept, words, keys, index)
        if period:
            index += period
        else:
            kept.append(words[index])
            index += 1
    return kept


def _loop_before(kept: Sequence[Word], words: Sequence[Word], keys: Sequence[str], index: int) -> int:
    """Return how many words from `index` on are a false repetition of what was kept, 0 for none."""
    before = [plain(word.text) for word in kept[-2 * LONGEST_LOOP :]]
    for length in range(min(LONGEST_LOOP, len(words) - index, len(before)), 0, -1):
        copy = list(keys[index : index + length])
        if not any(copy):
            continue
        copies = 0
        while before[len(before) - (copies + 1) * length : len(before) - copies * length] == copy:
            copies += 1
        most = 8 if length == 1 else 4 if length <= 3 else 2
        said = words[index : index + length]
        # Times of single words are too rough to say that "no, no" could not be spoken.
        if copies >= most or (copies and length >= 3 and _implausible(said)):
            return length
        # Farther back only whole phrases count: short ones recur in any talk.
        if length >= 5 and _implausible(said) and _contains(before, copy):
            return length
    return 0


def _contains(sequence: Sequence[str], part: Sequence[str]) -> bool:
    return any(list(sequence[i : i + len(part)]) == list(part) for i in range(len(sequence) - len(part) + 1))


def _implausible(words: Sequence[Word]) -> bool:
    """Whether the words take less time than speaking them, or are hardly believed."""
    text = "".join(word.text for word in words).strip()
    seconds = max(words[-1].end - words[0].start, SHORTEST_WORD)
    doubt = math.fsum(word.probability for word in words) / len(words) < 0.3
    return doubt or len(text) / seconds > (FASTEST_CJK if is_cjk(text) else FASTEST)


def drop_stock_phrases(words: Sequence[Word], prompted: str = "", pause: float = 0.8) -> list[Word]:
    """Return the words without passages between pauses that are nothing but a stock phrase.

    `prompted` is the text the recogniser was prompted with; over noise it may come back as speech.
    """
    kept: list[Word] = []
    passage: list[Word] = []
    for word in [*words, None]:
        if word is None or (passage and word.start - passage[-1].end > pause):
            kept += [] if _stock(passage, plain(prompted)) else passage
            passage = []
        if word is not None:
            passage.append(word)
    return kept


def _stock(passage: Sequence[Word], prompted: str) -> bool:
    if not passage:
        return False
    text = plain("".join(word.text for word in passage))
    belief = math.fsum(word.probability for word in passage) / len(passage)
    # "Thanks for watching" can be said; invented, it is never believed throughout.
    stock = text in STOCK_PHRASES or (len(text) >= 6 and text in prompted)
    return (stock and belief < 0.8) or ((text in SHORT_STOCK or not text) and belief < 0.35)
