"""Bring a translation from a file to its lines: by time, never by order alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

FITS = 0.5
"""Share of the shorter of a line and a subtitle that both must last together to be about the same speech."""

_LIKE = 0.25
"""Weight of how alike two times are, beside how much they share."""


_JOINED = 0.05
"""What a second subtitle of one line loses, so that lines at the same time get one each."""


@dataclass(frozen=True, slots=True)
class Timed:
    """A line or a subtitle: seconds, and its speaker where that is known."""

    start: float
    end: float
    speaker: str = ""


@dataclass(frozen=True, slots=True)
class Alignment:
    """Which subtitles are the translation of which line."""

    own: tuple[tuple[int, ...], ...]
    """For every line the numbers of its subtitles, in order."""
    strays: tuple[int, ...]
    """Subtitles that fall on no line."""
    unsure: frozenset[int]
    """Lines whose subtitles are at quite other times than the line."""

    @property
    def fits(self) -> bool:
        """Whether the times of the file are those of the lines, so that it is their translation at all."""
        placed = sum(len(own) for own in self.own)
        sure = sum(len(own) for at, own in enumerate(self.own) if at not in self.unsure)
        return placed >= len(self.strays) and 2 * sure >= placed and placed > 0


def align(lines: Sequence[Timed], subtitles: Sequence[Timed]) -> Alignment:
    """Give every subtitle to the line that it shares its time with; both stay in order.

    Of all ways that keep the order, the one is taken in which lines and subtitles share the most.
    """
    scores = [_scores(lines, subtitle) for subtitle in subtitles]
    total = [0.0] * len(lines)  # the best way whose last subtitle lies on each line
    steps: list[dict[int, tuple[int, int]]] = []
    last: list[tuple[int, int]] = [(-1, -1)] * len(lines)  # (subtitle, line) at the end of that way
    for number, score in enumerate(scores):
        reached: dict[int, float] = {}
        step: dict[int, tuple[int, int]] = {}
        for at, gain in score.items():
            joined = total[at] - _JOINED
            before = max(range(at), key=lambda line: (total[line], line), default=at)
            before = at if joined >= total[before] else before
            reached[at] = (max(joined, 0.0) if before == at else total[before]) + gain
            step[at] = last[before] if total[before] else (-1, -1)
        steps.append(step)
        for at, sum_ in reached.items():
            if sum_ > total[at]:
                total[at], last[at] = sum_, (number, at)
    placed: dict[int, int] = {}
    at = max(range(len(lines)), key=lambda line: (total[line], -line), default=-1)
    where = last[at] if at >= 0 else (-1, -1)
    while where[0] >= 0:
        placed[where[0]] = where[1]
        where = steps[where[0]][where[1]]
    own: list[tuple[int, ...]] = [()] * len(lines)
    for number in sorted(placed):
        own[placed[number]] += (number,)
    strays = tuple(n for n in range(len(subtitles)) if n not in placed)
    unsure = frozenset(
        at
        for at, numbers in enumerate(own)
        if numbers and not _alike(lines[at], [subtitles[n] for n in numbers])
    )
    return Alignment(tuple(own), strays, unsure)


def _scores(lines: Sequence[Timed], subtitle: Timed) -> dict[int, float]:
    """Return the lines that share time with a subtitle, and how well each fits it."""
    return {
        at: score
        for at, line in enumerate(lines)
        if line.start < subtitle.end and subtitle.start < line.end and (score := _score(line, subtitle)) > 0
    }


def _score(line: Timed, subtitle: Timed) -> float:
    shared = min(line.end, subtitle.end) - max(line.start, subtitle.start)
    shorter = max(min(line.end - line.start, subtitle.end - subtitle.start), 1e-3)
    both = max(line.end, subtitle.end) - min(line.start, subtitle.start)
    named = 0.1 if subtitle.speaker and subtitle.speaker == line.speaker else 0.0
    return shared / shorter + _LIKE * shared / max(both, 1e-3) + named


def _alike(line: Timed, subtitles: Sequence[Timed]) -> bool:
    start, end = subtitles[0].start, max(subtitle.end for subtitle in subtitles)
    shared = min(line.end, end) - max(line.start, start)
    return shared >= FITS * min(line.end - line.start, end - start)
