"""What the time of a line costs: each thing that a listener minds, in milliseconds, and how much it counts.

From `OVER` on a cost is one that no schedule has unless every placement has it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor

from dubkit.voice.schedule.asked import Limits, Utterance
from dubkit.voice.schedule.blocks import LOOSE_MS

OVER = 200.0
"""Weight of a pace beyond the fastest acceptable one."""

RUSH, BABBLE = 1.35, 2.0
"""Paces up to which a line that is too long is understood: without effort, and at all."""

EASY = (0.96, 1.08)
"""Paces that nobody notices, 0.95 to 1.10, less what a spoken line may miss its time by: 2 % for most."""

MISS = 1.02
"""What most spoken lines may miss their time by: a pace that near the fastest acceptable one may pass it."""

FAR_OFF_MS = 1000
"""How far a start may be off where no mouth is seen, before a pace beyond the fastest is better."""

OVERLAP_MS = 150
"""Overlap of two speakers that the source need not have."""

BREATHE_MS = 250
"""Silence between two lines of a speaker that is enough to breathe."""

EXACT, DRIFT, MISSED = 1.5 * OVER, 2.5 * OVER, 5.0 * OVER
"""Weights of a start that is off where the mouth is seen, of one far off, and of too long an overlap."""

RUSHED, BREATHLESS, LOST, CLASH = 20.0 * OVER, 50.0 * OVER, 200.0 * OVER, 1000.0 * OVER
"""Weights of a pace beyond RUSH, of no breath between two lines of a speaker, of a pace beyond BABBLE, and of
a speaker who speaks two lines at once or lines in another order."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of milliseconds in one direction, and what each of them costs."""

    weight: float
    width: int | None = None
    """Milliseconds; None has no end."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What it costs to move a line's start, end and length away from where they would be best."""

    later: tuple[Piece, ...]
    earlier: tuple[Piece, ...]
    ends_later: tuple[Piece, ...]
    ends_earlier: tuple[Piece, ...]
    shorter: tuple[Piece, ...]
    longer: tuple[Piece, ...]


def costs(line: Utterance, limits: Limits) -> Costs:
    """Return the costs of a line; pieces of one direction come in the order they are used."""
    later, earlier = _starts(line, limits)
    end = 0.8 if line.seen else 0.5
    return Costs(later, earlier, (Piece(end),), (Piece(end),), _shorter(line, limits), _longer(line, limits))


def _starts(line: Utterance, limits: Limits) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    exact = limits.exact_ms
    if line.seen:
        seen = Piece(2.0, exact), Piece(EXACT)
        return seen, seen
    near = Piece(1.0, exact), Piece(1.0 if line.seen is False else 3.0, max(0, LOOSE_MS - exact))
    further = FAR_OFF_MS - LOOSE_MS
    return (*near, Piece(6.0, further), Piece(DRIFT)), (*near, Piece(8.0, further), Piece(DRIFT))


def _shorter(line: Utterance, limits: Limits) -> tuple[Piece, ...]:
    """Return what it costs to speak a line faster than the voice's own pace."""
    natural = line.natural_ms
    sure = min(max(EASY[1], limits.fastest / MISS), limits.fastest)
    paces = (min(EASY[1], limits.fastest), sure, limits.fastest, max(RUSH, limits.fastest))
    lengths = [natural, *(min(natural, ceil(natural / pace)) for pace in paces), ceil(natural / BABBLE), 1]
    for place in range(1, len(lengths)):
        lengths[place] = min(lengths[place], lengths[place - 1])
    weights = (0.3, 5.0, 10.0, OVER, RUSHED, LOST)
    return tuple(
        Piece(weight, before - after)
        for weight, (before, after) in zip(weights, pairwise(lengths), strict=True)
    )


def _longer(line: Utterance, limits: Limits) -> tuple[Piece, ...]:
    """Return what it costs to speak a line more slowly than the voice's own pace."""
    natural, slowest = line.natural_ms, min(1.0, limits.slowest)
    easy = max(natural, floor(natural / max(EASY[0], slowest)))
    return Piece(0.3, easy - natural), Piece(5.0, max(easy, floor(natural / slowest)) - easy)


def ties(count: int) -> Iterator[float]:
    """Yield numbers from 0 to 1, the same ones every time, that have nothing to do with each other.

    A cost that is raised by a little of its own leaves no two schedules equally good.
    """
    numbers = random.Random(count)
    while True:
        yield numbers.random()
