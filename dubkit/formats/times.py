"""Times as files spell them."""

from __future__ import annotations

CLOCK = r"(?:(\d+):)?(\d{1,2}):(\d{1,2})(?:[,.](\d{1,3}))?"
"""Pattern of `1:02:03.500`, hours and thousandths optional; its groups are for `clock_seconds`."""


def clock_seconds(parts: tuple[str | None, ...]) -> float:
    """Return the seconds of a clock time from the groups of `CLOCK`."""
    hours, minutes, seconds, fraction = (part or "0" for part in parts)
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + int(fraction.ljust(3, "0")) / 1000


def milliseconds(seconds: float) -> int:
    """Return whole milliseconds, never less than 0."""
    return max(0, round(seconds * 1000))
