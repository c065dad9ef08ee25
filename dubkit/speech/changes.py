"""Who says each word: turns are right to a few tenths of a second, and sentences say where speakers change.

All words are given their speakers together, by the cheapest path: a word costs the seconds that its speaker's
turns do not cover, and a change of speakers costs little where a sentence ends and much in the middle of one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from dubkit.speech.phrases import ASIDES, SENTENCE_ENDS
from dubkit.speech.stops import ends_breath
from dubkit.speech.turns import joined
from dubkit.speech.words import plain
from dubkit.types import Turn, Word

AT_SENTENCE_END = 0.1
AT_PAUSE = 0.6
IN_SENTENCE = 1.0
"""What a change of speakers costs, in seconds of evidence: turns are overruled where they say less for it. An
answer of a third of a second is worth two changes at the ends of sentences; one of a second in the middle of
somebody's sentence is hardly worth two there."""

PAUSE = 0.25
"""Seconds between two words at which one speaker may have interrupted the other."""

NEARBY = 0.3
FARTHEST = 1.0
"""A word outside a speaker's turns costs this share of its distance from them, up to this many seconds."""

SHORTER_TURN = 0.02
"""What tells two turns apart that cover the same word: an interjection lies inside the other's turn."""


def speakers_of_words(words: Sequence[Word], turns: Sequence[Turn], language: str) -> list[str]:
    """Return the speaker of each word; `spk1` where there are no turns."""
    speakers = list(dict.fromkeys(turn.speaker for turn in turns))
    if len(speakers) < 2:
        return (speakers or ["spk1"]) * len(words)
    spoken = [joined([turn for turn in turns if turn.speaker == speaker], 0.0) for speaker in speakers]
    totals = [0.0] * len(speakers)
    ways: list[list[int]] = []
    for index, word in enumerate(words):
        price = _price(words, index, language)
        best = min(range(len(speakers)), key=totals.__getitem__)
        ways.append([k if totals[k] <= totals[best] + price else best for k in range(len(speakers))])
        totals = [min(totals[k], totals[best] + price) + _cost(word, spoken[k]) for k in range(len(speakers))]
    chosen = min(range(len(speakers)), key=totals.__getitem__) if words else 0
    path: list[str] = []
    for way in reversed(ways):
        path.append(speakers[chosen])
        chosen = way[chosen]
    return path[::-1]


def _price(words: Sequence[Word], index: int, language: str) -> float:
    """Return what it costs that the speaker changes before a word."""
    if any(map(_is_aside, words[max(index - 1, 0) : index + 1])):
        return AT_SENTENCE_END
    if index == 0 or ends_breath(words, index - 1, language):
        return AT_SENTENCE_END
    return AT_PAUSE if words[index].start - words[index - 1].end >= PAUSE else IN_SENTENCE


def _is_aside(word: Word) -> bool:
    """Whether a word is one that people say into each other's sentences, and stands for itself."""
    said = word.text.strip()
    return said[-1:] in SENTENCE_ENDS and not said[:1].islower() and plain(said) in ASIDES


def _cost(word: Word, turns: Sequence[Turn]) -> float:
    """Return what speaks against a speaker with these turns, which are in order and do not overlap."""
    first = bisect_right(turns, word.start, key=lambda turn: turn.end)
    covered, longest = 0.0, 0.0
    for turn in turns[first:]:
        if turn.start >= word.end:
            break
        covered += min(turn.end, word.end) - max(turn.start, word.start)
        longest = max(longest, turn.end - turn.start)
    missing = max(word.end - word.start - covered, 0.0)
    if covered > 0:
        return missing + SHORTER_TURN * min(longest / 10, 1.0)
    near = turns[max(first - 1, 0) : first + 1]
    away = min(max(turn.start - word.end, word.start - turn.end, 0.0) for turn in near)
    return missing + NEARBY * min(away, FARTHEST)
