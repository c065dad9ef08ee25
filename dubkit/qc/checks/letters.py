"""Letters that appear in pictures that are not the source's."""

from __future__ import annotations

from dataclasses import dataclass

from dubkit.qc.check import Check, Finding
from dubkit.qc.evidence import LineEvidence
from dubkit.settings import Share, option


@dataclass(frozen=True, slots=True)
class LettersLimit:
    """Letters that appear."""

    on: bool = option(True, "Look for letters that only the dub shows.", job=True)
    most: Share = option(
        0.02,
        "Height of letters that only the dub shows, as a share of the picture's, above which it is flagged.",
    )


def _appear(line: LineEvidence, limit: LettersLimit) -> Finding:
    assert line.letters is not None, "the check is asked where somebody looked"
    return Finding(line.letters > limit.most, round(100 * line.letters, 1))


LETTERS = Check(
    "letters",
    "Letters appear",
    "The dub's picture shows writing that the source's does not.",
    line=_appear,
    needs=("letters",),
    quiet=True,
    settings=LettersLimit,
    unit="% of the height",
)
