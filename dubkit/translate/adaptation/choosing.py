"""Choose among the texts of a line: by fidelity and by how well it fits the time."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dubkit.translate.adaptation.room import Room
from dubkit.types import Candidate

EASY = (0.95, 1.10)
"""Paces against the voice's own between which nobody hears a difference."""
MEANING = 0.1
"""What a text without any of the meaning counts for, against a pace that is off by so much: little, since one
that has lost the meaning is never taken."""
SHORT = 0.5
"""What a text that is too short counts for, against one that is too long: it need not be spoken slowly."""
SLACK = 0.2
"""Seconds that a text may be too short by, whatever its share: a short word is no matter of pace."""


def pace(seconds: float, room: Room) -> float:
    """Return the pace at which a text fills its time: 1.0 for one between its source's time and all its room.

    >>> pace(1.5, Room(1.0, 1.25)), pace(0.5, Room(1.0, 1.25)), pace(1.2, Room(1.0, 1.25))
    (1.2, 0.5, 1.0)
    """
    if seconds > room.most:
        return seconds / room.most if room.most > 0 else math.inf
    if seconds < room.source - SLACK:
        return seconds / room.source
    return 1.0


def misses(seconds: float, room: Room, tolerance: float) -> bool:
    """Say whether a text misses its time by more than a share of it."""
    return seconds > 0 and abs(pace(seconds, room) - 1) > tolerance


def choose(candidates: Sequence[Candidate], room: Room) -> tuple[int, str]:
    """Return the number of the text to take, from 0, and why, as a sentence.

    The first is the first translation: it stays where no other is better. One that loses something of the
    source is never taken, nor the first one where it has lost a term of the series and another one has not.
    Of two that are as good, the one whose length is nearer to the first translation's is taken: it says more
    of the same.
    """
    first = candidates[0]
    stays = not first.losses or all(one.losses for one in candidates[1:])

    def order(at: int) -> tuple[bool, float, float, int]:
        one = candidates[at]
        return (
            bool(one.losses) and not (at == 0 and stays),
            _cost(one, first, room),
            abs(one.seconds - first.seconds),
            at,
        )

    best = min(range(len(candidates)), key=order)
    return best, _reason(candidates, best, room)


def _cost(candidate: Candidate, first: Candidate, room: Room) -> float:
    kept = min(1.0, candidate.fidelity / first.fidelity) if first.fidelity > 0 else 1.0
    return round(_off(pace(candidate.seconds, room)) + MEANING * (1 - kept), 3)


def _off(needed: float) -> float:
    """Return how far a pace is from those that nobody hears: 0 inside, the logarithm of the rest outside."""
    if needed <= 0 or math.isinf(needed):
        return 10.0
    return max(0.0, math.log(needed / EASY[1]), SHORT * math.log(EASY[0] / needed))


def _reason(candidates: Sequence[Candidate], best: int, room: Room) -> str:
    first, chosen = candidates[0], candidates[best]
    was, now = pace(first.seconds, room), pace(chosen.seconds, room)
    if best == 0:
        if len(candidates) == 1:
            return (
                f"There is no other text; it needs a pace of {was:.2f}." if _off(was) else "It fits its time."
            )
        others = (
            "the others lose something" if all(c.losses for c in candidates[1:]) else "no other fits better"
        )
        return f"The first translation needs a pace of {was:.2f}; {others}."
    if first.losses and not chosen.losses:
        return f"The first translation loses something ({'; '.join(first.losses)}), and this one does not."
    kept = f", and keeps {chosen.fidelity:.0%} of the wording by its way back" if chosen.fidelity < 1 else ""
    return f"It needs a pace of {now:.2f}, the first translation {was:.2f}{kept}."
