"""Times of DAPT: seconds as fractions, so that sums of them are exact."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

_CLOCK = re.compile(r"(\d{2,}):([0-5]\d):([0-5]\d(?:\.\d+)?)")
_OFFSET = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|f|t)")
_UNITS = {"h": Fraction(3600), "m": Fraction(60), "s": Fraction(1), "ms": Fraction(1, 1000)}
FRAMES = re.compile(r"\d+:\d\d:\d\d:\d+(?:\.\d+)?")
"""A time with frames, which DAPT does not have."""


class NoTime(ValueError):
    """A text that is no time of DAPT; the message says why."""


@dataclass(frozen=True, slots=True)
class Clock:
    """How a file counts."""

    frames: Fraction | None
    """Frames per second; None where the file does not say."""
    ticks: Fraction | None

    def seconds(self, text: str) -> Fraction:
        """Return the seconds of a time. Raises NoTime."""
        if clock := _CLOCK.fullmatch(text):
            return int(clock[1]) * 3600 + int(clock[2]) * 60 + Fraction(clock[3])
        offset = _OFFSET.fullmatch(text)
        if offset is None:
            why = "times with frames such as 00:00:01:12 are forbidden" if FRAMES.fullmatch(text) else ""
            raise NoTime(f"{text!r} is no time of DAPT{f': {why}' if why else ''}")
        number, unit = Fraction(offset[1]), offset[2]
        if unit in _UNITS:
            return number * _UNITS[unit]
        rate, name = (self.frames, "ttp:frameRate") if unit == "f" else (self.ticks, "ttp:tickRate")
        if not rate:
            raise NoTime(f"{text!r} needs {name} on <tt>")
        return number / rate


def written(seconds: Fraction | float) -> str:
    """Return seconds as DAPT spells them, to the millionth.

    >>> written(12.5), written(3)
    ('12.5s', '3s')
    """
    spelled = f"{float(seconds):.6f}".rstrip("0").rstrip(".")
    return f"{spelled}s"
