"""Whether the old voice is heard under the dub, where it was taken out of the source's sound."""

from __future__ import annotations

from dataclasses import dataclass

from dubkit.qc.check import Check, Finding
from dubkit.qc.evidence import LineEvidence
from dubkit.settings import option


@dataclass(frozen=True, slots=True)
class LeakLimit:
    """The old voice under the dub."""

    max_db: float = option(
        -15.0, "Level of the old voice against itself in the source above which a line is flagged.", job=True
    )


def _leaks(line: LineEvidence, limit: LeakLimit) -> Finding:
    if line.old_voice_db is None:
        return Finding(False)
    return Finding(line.old_voice_db > limit.max_db, line.old_voice_db)


VOICE_LEAK = Check(
    "voice-leak",
    "Old voice heard",
    "What is left of the old voice may be heard under the dub.",
    line=_leaks,
    needs=("making",),
    settings=LeakLimit,
    unit="dB",
    measures="Old voice",
    retake=False,
)
