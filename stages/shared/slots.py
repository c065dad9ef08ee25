"""The time of each line where lines are not scheduled together: its source line and the pause after it."""

from __future__ import annotations

from collections.abc import Sequence

from dubkit.types import Segment, Slot, sample_at

BREATH = sample_at(0.06)
"""Samples of silence kept before the next line when a line borrows the pause after it."""


def slots(segments: Sequence[Segment], samples: int) -> dict[str, Slot]:
    """Return the slot of every segment on the episode clock; `samples` is the episode's length.

    A line may run past its source line into the pause after it, never into the next line. Where two
    source lines overlap, each keeps its own time.
    """
    ordered = sorted(segments, key=lambda s: (s.start, s.id))
    starts = [sample_at(s.start) for s in ordered]
    by_id: dict[str, Slot] = {}
    for position, segment in enumerate(ordered):
        start = min(starts[position], samples)
        end = min(max(sample_at(segment.end), start), samples)
        following = starts[position + 1] if position + 1 < len(ordered) else samples + BREATH
        limit = min(max(end, following - BREATH), samples)
        by_id[segment.id] = Slot(start, end, limit)
    return by_id
