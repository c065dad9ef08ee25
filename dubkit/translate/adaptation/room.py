"""How much time a line has: that of its source, and what it may use of the silence around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dubkit.types import Segment

BREATH = 0.1
"""Seconds of silence that stay between two lines."""
AFTER = 0.5
"""Seconds of the pause after a line that its end may use."""
BEFORE = 0.4
"""Seconds by which a line whose speaker is not seen may start before its source."""


@dataclass(frozen=True, slots=True)
class Room:
    """Seconds of a line."""

    source: float
    """What its source takes."""
    most: float
    """What it may take without moving another line."""


def rooms(segments: Sequence[Segment], end: float, seen: frozenset[str] = frozenset()) -> Mapping[str, Room]:
    """Return the room of every segment; `end` is that of the episode, `seen` are those whose mouth is seen.

    Two neighbours never use the same silence: the end of a line comes before the start of the next. Where
    two source lines overlap, neither uses any.
    """
    ordered = sorted(segments, key=lambda s: (s.start, s.id))
    found: dict[str, Room] = {}
    spoken = 0.0
    for place, segment in enumerate(ordered):
        following = ordered[place + 1].start if place + 1 < len(ordered) else end + BREATH
        source = max(0.0, segment.end - segment.start)
        pause = following - max(segment.end, spoken) if segment.end >= spoken else 0.0
        before = 0.0 if segment.id in seen else _start(segment.start - spoken, first=place == 0)
        found[segment.id] = Room(round(source, 3), round(source + _end(pause) + before, 3))
        spoken = max(spoken, segment.end)
    return found


def _end(pause: float) -> float:
    """Return what the end of a line may use of the pause after it."""
    return min(AFTER, max(0.0, pause - BREATH))


def _start(pause: float, *, first: bool) -> float:
    """Return what the start of a line may use of the pause before it: what the line before leaves of it."""
    if first:
        return min(BEFORE, max(0.0, pause))
    return min(BEFORE, max(0.0, pause - BREATH - AFTER))
