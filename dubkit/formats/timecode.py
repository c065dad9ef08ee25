"""Timecodes: frames counted as hours, minutes, seconds and frames, with drop-frame where the rate has it."""

from __future__ import annotations

from fractions import Fraction
from math import floor

DROPPED = {Fraction(30000, 1001): 2, Fraction(60000, 1001): 4}
"""Rate -> numbers left out at the start of every minute but each tenth, so that the clock is right."""


def frame_at(seconds: Fraction | float, rate: Fraction) -> int:
    """Return the frame that is shown at a moment; a millisecond before its begin counts, too."""
    return max(0, floor((Fraction(seconds) + Fraction(1, 1000)) * rate))


def timecode(frame: int, rate: Fraction) -> str:
    """Return the timecode of a frame; `;` before the frames says that numbers are dropped.

    >>> timecode(1800, Fraction(30000, 1001)), timecode(1800, Fraction(24000, 1001))
    ('00:01:00;02', '00:01:15:00')
    """
    nominal, dropped = round(rate), DROPPED.get(rate, 0)
    if dropped:
        minute = nominal * 60 - dropped
        tens, rest = divmod(frame, minute * 10 + dropped)
        frame += 9 * dropped * tens + (dropped * ((rest - dropped) // minute) if rest >= dropped else 0)
    seconds, frames = divmod(frame, nominal)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{';' if dropped else ':'}{frames:02d}"
