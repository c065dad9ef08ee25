"""Whether a cloned voice is that of its reference."""

from __future__ import annotations

from dataclasses import dataclass

from dubkit.qc.check import Check, Fact, Finding
from dubkit.qc.evidence import LineEvidence
from dubkit.qc.numbers import number
from dubkit.settings import Share, option
from dubkit.types import EpisodeQc

SHORT_SECONDS, SHORT_ALLOWANCE = 1.5, 0.1
"""A line shorter than this may be less like its reference by this: of one person's own speech one second in
seven is below 0.65, none below 0.55, and no two seconds are below 0.65 (`benchmarks.similarity`)."""


@dataclass(frozen=True, slots=True)
class LikenessLimit:
    """Likeness of cloned voices."""

    least: Share = option(
        0.65, "Likeness to its reference, 0 to 1, below which a cloned line is flagged.", job=True
    )


def _is_unlike(line: LineEvidence, limit: LikenessLimit) -> Finding:
    assert line.likeness is not None, "the check is asked where it was measured"
    short = len(line.speech) < SHORT_SECONDS * line.rate
    least = limit.least - SHORT_ALLOWANCE if short else limit.least
    return Finding(line.likeness < least, round(line.likeness, 3))


def _facts(measured: EpisodeQc) -> tuple[Fact, ...]:
    found = [(line.measures or {}).get("voice-unlike") for line in measured.lines]
    likeness = sorted(float(value) for value in found if value is not None)
    if not likeness:
        return ()
    middle = likeness[len(likeness) // 2]
    note = f"of cloned lines to their references; {number(likeness[0])} at least"
    return (Fact("Likeness", number(middle), note),)


VOICE_UNLIKE = Check(
    "voice-unlike",
    "Voice unlike",
    "The cloned voice is unlike that of its reference.",
    line=_is_unlike,
    needs=("likeness",),
    settings=LikenessLimit,
    measures="Likeness",
    score=float,
    facts=_facts,
)
