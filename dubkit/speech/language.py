"""Which language is spoken: votes of several windows of speech instead of one guess on 30 s.

One window that opens with music, a pause or a name misleads the recogniser; the vote of several is
steady, and shows when a recording changes its language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dubkit.types import LanguageSpan

MOST_WINDOWS = 12
"""Each window costs one run of the encoder, about half a second on two cores."""

LONGEST_WINDOW = 12.0
JOIN = 0.6
SHORTEST_WINDOW = 0.8
"""Seconds below which a window says little about its language."""

SURE = 0.75
SMALLEST_SHARE = 0.15
CERTAIN = 0.6
"""Probability from which a language is not checked any further."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the recogniser thinks of one window of speech."""

    start: float
    end: float
    probabilities: Mapping[str, float]


def utterances(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return spans joined across short pauses into stretches of at most 12 s."""
    joined: list[tuple[float, float]] = []
    for start, end in spans:
        near = joined and start - joined[-1][1] <= JOIN and end - joined[-1][0] <= LONGEST_WINDOW
        if near:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def sample_windows(windows: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return at most `MOST_WINDOWS`, spread over the recording, long ones where there is a choice."""
    if len(windows) <= MOST_WINDOWS:
        return list(windows)
    edges = [round(part * len(windows) / MOST_WINDOWS) for part in range(MOST_WINDOWS + 1)]
    groups = [windows[a:b] for a, b in pairwise(edges)]
    return [max(group, key=lambda window: min(window[1] - window[0], LONGEST_WINDOW)) for group in groups]


def vote(evidence: Sequence[Evidence]) -> dict[str, float]:
    """Return the probability of each language, windows weighted by length; the best first."""
    total = sum(min(item.end - item.start, LONGEST_WINDOW) for item in evidence)
    sums: dict[str, float] = {}
    for item in evidence:
        weight = min(item.end - item.start, LONGEST_WINDOW) / total if total > 0 else 0.0
        for language, probability in item.probabilities.items():
            sums[language] = sums.get(language, 0.0) + weight * probability
    return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0])))


def languages_spoken(evidence: Sequence[Evidence]) -> list[str]:
    """Return the languages that at least two windows are sure of, the most spoken first.

    Two or more mean that the recording changes its language. One sure window is not enough: names
    and loan words can make a single window sure and wrong.
    """
    telling = [item for item in evidence if item.end - item.start >= SHORTEST_WINDOW]
    total = sum(item.end - item.start for item in telling)
    seconds: dict[str, list[float]] = {}
    for item in telling:
        best = max(item.probabilities, key=lambda language: item.probabilities[language])
        if item.probabilities[best] >= SURE:
            seconds.setdefault(best, []).append(item.end - item.start)
    totals = {
        language: sum(lengths)
        for language, lengths in seconds.items()
        if len(lengths) >= 2 and sum(lengths) >= SMALLEST_SHARE * total
    }
    return sorted(totals, key=lambda language: (-totals[language], language))


def language_spans(evidence: Sequence[Evidence], languages: Sequence[str]) -> tuple[LanguageSpan, ...]:
    """Return each window with the likeliest of `languages`; too short ones follow the one before."""
    spans: list[LanguageSpan] = []
    for item in evidence:
        likely = max(languages, key=lambda language: item.probabilities.get(language, 0.0))
        if spans and item.end - item.start < SHORTEST_WINDOW and item.probabilities.get(likely, 0.0) < SURE:
            likely = spans[-1].language
        spans.append(LanguageSpan(item.start, item.end, likely))
    return tuple(spans)
