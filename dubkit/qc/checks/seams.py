"""Jumps of colour where pictures that are not the source's begin and end."""

from __future__ import annotations

from dataclasses import dataclass

from dubkit.qc.check import Check, Finding
from dubkit.qc.evidence import LineEvidence
from dubkit.settings import Positive, option


@dataclass(frozen=True, slots=True)
class SeamLimit:
    """Jumps of colour."""

    on: bool = option(True, "Look for a jump of colour where generated pictures begin and end.", job=True)
    most: Positive = option(
        2.5, "Jump of colour (CIE 1976 difference) at a border above which a line is flagged."
    )


def _jumps(line: LineEvidence, limit: SeamLimit) -> Finding:
    assert line.pictures is not None, "the check is asked where it was looked at"
    seam = line.pictures.seam
    if seam is None:
        return Finding(False)
    return Finding(seam > limit.most, round(seam, 2))


SEAM = Check(
    "colour-seam",
    "Colour seam",
    "The colours of the picture jump where generated pictures begin or end.",
    line=_jumps,
    needs=("pictures",),
    quiet=True,
    settings=SeamLimit,
    measures="Jump of colour",
)
