"""The episode clock: turns seconds, which are for people, into samples, which are exact."""

from __future__ import annotations

from fractions import Fraction

SAMPLE_RATE = 48_000
"""Samples per second of the episode clock and of every sound artifact but `speech16k.wav`."""

SAMPLE_BYTES = 3
"""Bytes of a sample in a sound artifact on the episode clock."""

ASR_RATE = 16_000
"""Samples per second of the mono signal that speech models read."""


def sample_at(seconds: float | Fraction) -> int:
    """Return the sample of the episode clock that is nearest to a time.

    >>> sample_at(0.5)
    24000
    """
    return round(seconds * SAMPLE_RATE)
