"""Whether a line ends when it should, is where it was placed, has its pace, and is not talked over."""

from __future__ import annotations

from dataclasses import dataclass

from dubkit.qc.check import Check, Finding
from dubkit.qc.evidence import DELIVERED_AROUND, LineEvidence
from dubkit.settings import Count, Positive, option

LEAST_LIKENESS = 0.3
"""Correlation from which a take was found in the delivered sound."""


@dataclass(frozen=True, slots=True)
class LateEnd:
    """Lines that end after the source's."""

    on: bool = option(True, "Look for lines that end late.")
    most: Positive = option(
        1.0, "Seconds after the end of the source's line from which a line is flagged.", job=True
    )
    seen: Positive = option(0.6, "The same, where the picture shows the speaker's mouth.", job=True)


@dataclass(frozen=True, slots=True)
class EarlyEnd:
    """Lines that end before the source's."""

    on: bool = option(True, "Look for lines that end early.")
    most: Positive = option(
        2.5, "Seconds before the end of the source's line from which a line is flagged.", job=True
    )
    seen: Positive = option(1.5, "The same, where the picture shows the speaker's mouth.", job=True)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a take stands in the finished file."""

    on: bool = option(True, "Look in the finished file whether every take stands where it was placed.")
    max_ms: Positive = option(40.0, "Milliseconds beside its place from which a line is flagged.", job=True)


@dataclass(frozen=True, slots=True)
class PaceLimits:
    """Pace of the lines."""

    on: bool = option(True, "Measure how fast a line is spoken.")
    most: Positive = option(1.35, "Pace against the usual one of the language above which it is flagged.")
    least: Positive = option(0.5, "Pace against the usual one of the language below which it is flagged.")
    syllables: Count = option(5, "Syllables that a line must have for its pace to be measured.")


@dataclass(frozen=True, slots=True)
class OverLimit:
    """Two people at once."""

    on: bool = option(True, "Look for two people who speak at once though they do not in the source.")
    most: Positive = option(
        0.3, "Seconds that two people speak at once, beyond those of the source, that are allowed.", job=True
    )


def _ends_late(line: LineEvidence, limit: LateEnd) -> Finding:
    error = line.end_error
    if error is None:
        return Finding(False)
    allowed = limit.seen if line.seen else limit.most
    if line.scheduled_end is not None and line.line_end is not None:
        allowed = max(allowed, line.scheduled_end - line.line_end + line.start_tolerance)
    return Finding(error > allowed, round(error, 2))


def _ends_early(line: LineEvidence, limit: EarlyEnd) -> Finding:
    error = line.end_error
    return Finding(error is not None and -error > (limit.seen if line.seen else limit.most))


def _is_elsewhere(line: LineEvidence, limit: Place) -> Finding:
    from dubkit.qc.sound import found_at

    assert line.delivered is not None, "the check is asked where there is a finished file"
    found = found_at(line.speech, line.delivered, line.rate)
    if found is None or found.likeness < LEAST_LIKENESS:
        return Finding(False)
    late = 1000 * (found.seconds - DELIVERED_AROUND)
    return Finding(abs(late) > limit.max_ms, round(late, 1))


def _has_other_pace(line: LineEvidence, limits: PaceLimits) -> Finding:
    from dubkit.qc.sound import sounding_seconds

    if not line.syllables or not line.usual_rate or line.syllables < limits.syllables:
        return Finding(False)
    seconds = sounding_seconds(line.speech, line.rate)
    if not seconds:
        return Finding(False)
    rate = line.syllables / seconds
    pace = rate / line.usual_rate
    return Finding(pace > limits.most or pace < limits.least, round(rate, 2))


def _is_talked_over(line: LineEvidence, limit: OverLimit) -> Finding:
    over = line.talked_over or 0.0
    return Finding(over > limit.most, round(over, 2) if over else None)


ENDS_LATE = Check(
    "ends-late",
    "Ends late",
    "The speech goes on after the source's line has ended.",
    line=_ends_late,
    settings=LateEnd,
    unit="s",
    measures="End",
    mild=True,
    quiet=True,
)
ENDS_EARLY = Check(
    "ends-early",
    "Ends early",
    "The speech is over long before the source's line ends.",
    line=_ends_early,
    settings=EarlyEnd,
    mild=True,
)
ELSEWHERE = Check(
    "elsewhere",
    "Not in its place",
    "The line is heard earlier or later in the finished file than it was placed.",
    line=_is_elsewhere,
    needs=("delivered",),
    settings=Place,
    unit="ms",
    measures="Beside its place",
    quiet=True,
    retake=False,
)
PACE = Check(
    "pace",
    "Pace",
    "The line is spoken much faster or slower than people speak its language.",
    line=_has_other_pace,
    settings=PaceLimits,
    unit="syllables/s",
    mild=True,
    quiet=True,
)
TALKED_OVER = Check(
    "talked-over",
    "Talked over",
    "Two people speak at once, though they do not in the source.",
    line=_is_talked_over,
    settings=OverLimit,
    unit="s",
    quiet=True,
    retake=False,
)
