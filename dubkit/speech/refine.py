"""Word times as they sound: the recogniser's own are moved to where the sound of each word begins and ends.

A recogniser's word times come from its attention. They tell the order of words and about where each is, but
a word is often stretched over the pause beside it, and words behind a pause are squeezed together. Here all
words are placed together, by the cheapest path through the starts and ends that each may have.

Shapes: N words; a word has S starts and E ends to choose from, in ticks of 10 ms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dubkit.speech.sounding import TICK, Sounding
from dubkit.speech.sounds import shortest_word, sounds, syllables
from dubkit.types import MovedWord, MoveReason, Word, WordTimes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

REACH = 0.7
"""Seconds that a start or an end may move beyond the times that the recogniser gave the word."""

EARLY = 0.04
EARLY_END = 0.1
"""Seconds that the recogniser is early between two words without a pause, and at the end of a word before one
(measured, see `benchmarks.word_times`)."""

SILENCE = 2.0
UNCLAIMED = 2.0
STRAY = 1.2
STRETCH = 0.12
SQUEEZED = 60.0
"""What a second costs: of silence inside a word, of sound without a word, of distance from the time that was
heard; a word e times longer or shorter than expected; a second below the shortest that a word can take."""

DRAWN = 0.5
"""What it costs more where a word is drawn out beyond e times its usual length."""

LONG = 1.5
UNSURE = 0.2
"""A word that many times longer than usual was stretched over what is before it, so that its start says
little: distance from it costs this share."""

FAR = 0.3
"""Seconds of distance from which more costs a fifth only: then the recogniser was wrong, not inexact."""

BREATH = 0.5
"""Loudness below which sound before a word may be a breath or a click, and need not be part of it."""

EDGE = 0.4
"""Seconds of sound beside a word that may be its own; what lasts longer is a sound of another kind."""

SEAM = 0.1
"""What it costs to part two words at the loudest moment rather than in a dip."""

BREAK = 0.1
"""Seconds without sound that are a pause; a closed stop (`p`, `t`, `k`) is silent for less."""

MOVED = 0.05
"""Seconds by which a word must shrink beside a pause for that pause to be the reason."""


@dataclass(frozen=True, slots=True)
class _Choices:
    """Where a word may start and end, and what each costs by itself."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    cost: NDArray[np.float64]
    """(S, E)."""


@dataclass(frozen=True, slots=True)
class _Step:
    """What is kept of a word until the end of the path is known."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    start: NDArray[np.int64]
    """(E,) the best start for each end, by its place."""
    end_before: NDArray[np.int64]
    """(S,) the best end of the word before for each start, by its place; of no meaning for the first word."""


def refined(words: Sequence[Word], sound: Sounding) -> tuple[list[Word], WordTimes]:
    """Return the words with times by their sound, in order and without overlap, and which were moved.

    No word is lost, and none lies outside the sound. Where nothing is heard, or the words that were heard are
    not in order, they keep their times.
    """
    path = _cheapest(words, sound) if words and sound.speech.any() else []
    if not path:
        return list(words), WordTimes(len(words), ())
    placed = [
        replace(word, start=round(start * TICK, 3), end=round(end * TICK, 3))
        for word, (start, end) in zip(words, path, strict=True)
    ]
    return placed, WordTimes(len(words), tuple(_moves(words, placed)))


def usual_seconds(word: str) -> float:
    """Return about how long a word takes in the middle of plain talk; its speaker's pace is not known."""
    return 0.06 + 0.09 * syllables(word) + 0.025 * sounds(word)


def _cheapest(words: Sequence[Word], sound: Sounding) -> list[tuple[int, int]]:
    """Return the ticks at which each word starts and ends on the cheapest path, none where there is none."""
    import numpy as np

    pace = _pace(words)
    silent = np.concatenate([[0], np.cumsum(_pauses(sound))]) * TICK
    voiced = np.concatenate([[0], np.cumsum(_voiced(sound))]) * TICK
    loudness = np.append(sound.loudness, 0.0)
    steps: list[_Step] = []
    reached = np.zeros(0)  # (E,) what the path costs up to each end of the word before
    for index in range(len(words)):
        word = _choices(words, index, pace, sound, silent)
        if steps:
            gap = _gap(steps[-1].ends, word.starts, voiced, loudness) + reached[:, None]
            way, before = gap.argmin(axis=0), gap.min(axis=0)
        else:
            way, before = word.starts, _unclaimed(voiced[word.starts] - voiced[word.starts[0]])
        totals = word.cost + before[:, None]
        reached = totals.min(axis=0)
        steps.append(_Step(word.starts, word.ends, totals.argmin(axis=0), way))
    reached = reached + _unclaimed(voiced[steps[-1].ends[-1]] - voiced[steps[-1].ends])
    return _walked(steps, int(reached.argmin())) if np.isfinite(reached).any() else []


def _walked(steps: Sequence[_Step], end: int) -> list[tuple[int, int]]:
    """Return the ticks of the path that arrives at an end of the last word."""
    path: list[tuple[int, int]] = []
    for step in reversed(steps):
        start = int(step.start[end])
        path.append((int(step.starts[start]), int(step.ends[end])))
        end = int(step.end_before[start])
    return path[::-1]


def _pauses(sound: Sounding) -> NDArray[np.bool_]:
    """Return the silence that lasts, without that of closed stops."""
    import numpy as np

    edges = np.flatnonzero(np.diff(np.concatenate([[False], ~sound.speech, [False]]).astype(np.int8)))
    silence = np.zeros(len(sound.speech), dtype=np.bool_)
    for start, end in edges.reshape(-1, 2):
        silence[start:end] = (end - start) * TICK >= BREAK
    return silence


def _voiced(sound: Sounding) -> NDArray[np.bool_]:
    """Return the sound that must be part of a word: loud, or what a loud sound dies away in."""
    import numpy as np

    loud = sound.speech & (sound.loudness >= BREATH)
    ticks = np.arange(len(loud))
    last_loud = np.maximum.accumulate(np.where(loud, ticks, -1))
    last_quiet = np.maximum.accumulate(np.where(sound.speech, -1, ticks))
    return np.asarray(sound.speech & (last_loud > last_quiet))


def _choices(
    words: Sequence[Word], index: int, pace: float, sound: Sounding, silent: NDArray[np.float64]
) -> _Choices:
    import numpy as np

    word, last = words[index], len(sound.speech)
    start, end = _tick(word.start, last), _tick(word.end, last)
    reach = round(REACH / TICK)
    starts = np.arange(max(0, start - reach), min(last, end + reach // 2) + 1)
    ends = np.arange(max(0, start - reach // 2), min(last, end + reach) + 1)
    length = (ends[None] - starts[:, None]) * TICK
    joined_before = index > 0 and word.start - words[index - 1].end < BREAK
    joined_after = index + 1 < len(words) and words[index + 1].start - word.end < BREAK
    usual = usual_seconds(word.text) * pace
    trust = 1.0 if word.end - word.start < LONG * usual else UNSURE
    early = trust * _stray(starts - start, EARLY if joined_before else 0.0)
    stray = early[:, None] + _stray(ends - end, EARLY if joined_after else EARLY_END)[None]
    hush = np.maximum(silent[ends][None] - silent[starts][:, None], 0.0)
    times_usual = np.log(np.maximum(length, TICK) / usual)
    odd = STRETCH * times_usual**2 + DRAWN * np.maximum(times_usual - 1.0, 0.0) ** 2
    short = SQUEEZED * np.maximum(shortest_word(word.text) - length, 0.0)
    cost = np.where(length >= 0, stray + SILENCE * hush + odd + short, np.inf)
    return _Choices(starts, ends, cost)


def _stray(ticks: NDArray[np.int64], early: float) -> NDArray[np.float64]:
    """Return what it costs to be some ticks away from the time that was heard, `early` seconds early."""
    import numpy as np

    away = np.abs(ticks * TICK - early)
    return np.asarray(STRAY * (np.minimum(away, FAR) + 0.2 * np.maximum(away - FAR, 0.0)))


def _gap(
    ends: NDArray[np.int64],
    starts: NDArray[np.int64],
    voiced: NDArray[np.float64],
    loudness: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return what lies between two words costs, (E, S): infinite where the second begins too early."""
    import numpy as np

    length = (starts[None] - ends[:, None]) * TICK
    unclaimed = _unclaimed(voiced[starts][None] - voiced[ends][:, None])
    seam = SEAM * (loudness[ends][:, None] + loudness[starts][None]) / 2
    return np.where(length >= 0, unclaimed + seam, np.inf)


def _unclaimed(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what sound without a word costs: a little is the edge of a word, much is laughter or a cough."""
    import numpy as np

    seconds = np.maximum(seconds, 0.0)
    return np.asarray(UNCLAIMED * (np.minimum(seconds, EDGE) + 0.1 * np.maximum(seconds - EDGE, 0.0)))


def _pace(words: Sequence[Word]) -> float:
    """Return how much longer the words are here than usual, by those that the recogniser seems sure of."""
    ratios = sorted(
        (word.end - word.start) / usual_seconds(word.text)
        for word in words
        if sounds(word.text) and word.end - word.start >= shortest_word(word.text)
    )
    return min(max(ratios[len(ratios) // 2], 0.5), 2.0) if ratios else 1.0


def _tick(seconds: float, last: int) -> int:
    return min(max(math.floor(seconds / TICK + 0.5), 0), last)


def _moves(heard: Sequence[Word], placed: Sequence[Word]) -> list[MovedWord]:
    moved = []
    for number, (before, after) in enumerate(zip(heard, placed, strict=True)):
        if abs(before.start - after.start) < TICK and abs(before.end - after.end) < TICK:
            continue
        reasons: list[MoveReason] = []
        gap_before = after.start - (placed[number - 1].end if number else 0.0)
        gap_after = placed[number + 1].start - after.end if number + 1 < len(placed) else math.inf
        if after.start - before.start >= MOVED and gap_before >= BREAK:
            reasons.append("pause-before")
        if before.end - after.end >= MOVED and gap_after >= BREAK:
            reasons.append("pause-after")
        if before.end - before.start < shortest_word(before.text) - TICK / 2:
            reasons.append("too-short")
        times = (before.start, before.end, after.start, after.end)
        moved.append(MovedWord(number, before.text.strip(), *times, tuple(reasons) or ("edge",)))
    return moved
