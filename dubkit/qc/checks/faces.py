"""Whether the face that speaks is still that face, whole and alive, in pictures that are not the source's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import fmean, median

from dubkit.qc.check import Check, Finding
from dubkit.qc.evidence import LineEvidence
from dubkit.qc.pictures.looks import FaceLook
from dubkit.settings import Positive, Share, option

LEAST_LOOKS = 4
"""Looks below which nothing is said of a line."""
LEAST_HEIGHT = 40.0
"""Pixels of a face below which its features say nothing."""


@dataclass(frozen=True, slots=True)
class LostLimit:
    """Faces that are lost."""

    on: bool = option(True, "Look whether the face is lost.", job=True)
    most: Share = option(
        0.2, "Share of a line's looks without a face where the source shows one, above which it is flagged."
    )


@dataclass(frozen=True, slots=True)
class FrozenLimit:
    """Faces that stand still."""

    on: bool = option(False, "Look whether the face stands still.", job=True)
    max_seconds: Positive = option(
        0.45, "Seconds that a face stands still while the source's moves, above which a line is flagged."
    )


@dataclass(frozen=True, slots=True)
class ChangedLimit:
    """Faces that are another person's."""

    on: bool = option(True, "Look whether the face is another person's.", job=True)
    least: Share = option(
        0.8, "Likeness of eyes, brows and nose to the source's, 0 to 1, below which a line is flagged."
    )


@dataclass(frozen=True, slots=True)
class SoftLimit:
    """Faces that lost their detail."""

    on: bool = option(True, "Look whether the face lost its detail.", job=True)
    least: Share = option(0.6, "Detail of a face against the source's, below which a line is flagged.")


STILL_SHARE, STILL_LEVELS, STANDS_LEVELS = 0.25, 0.8, 0.25
"""A face stands still while it changes less than this share of what the source's does and less than these
levels of grey between two looks, or less than the last."""
MOVES_LEVELS = 1.0
"""Change of the source's face between two looks from which it moves."""


def _looks(line: LineEvidence) -> Sequence[FaceLook]:
    """Return the looks that say something; none where they are too few."""
    assert line.pictures is not None, "the check is asked where it was looked at"
    looks = [look for look in line.pictures.looks if look.height >= LEAST_HEIGHT]
    return looks if len(looks) >= LEAST_LOOKS else ()


def _middle(line: LineEvidence, measure: Callable[[FaceLook], float]) -> float | None:
    """Return the median of a measure over the looks that have a face; None where those are too few."""
    found = [measure(look) for look in _looks(line) if look.found]
    return median(found) if len(found) >= LEAST_LOOKS else None


def _is_lost(line: LineEvidence, limit: LostLimit) -> Finding:
    looks = _looks(line)
    if not looks:
        return Finding(False)
    share = sum(not look.found for look in looks) / len(looks)
    return Finding(share > limit.most, round(share, 3))


def frozen_seconds(looks: Sequence[FaceLook]) -> float:
    """Return the longest time that the face stands still while the source's moves, in seconds."""
    longest = 0.0
    for still, run in groupby(pairwise(looks), key=lambda pair: _is_still(pair[1])):
        pairs = list(run)
        moves = [pair[1].source_change or 0.0 for pair in pairs]
        if still and fmean(moves) >= MOVES_LEVELS:
            longest = max(longest, pairs[-1][1].time - pairs[0][0].time)
    return longest


def _is_still(look: FaceLook) -> bool:
    if look.change is None or look.source_change is None:
        return False
    moves_less = look.change < STILL_LEVELS and look.change < STILL_SHARE * look.source_change
    return moves_less or look.change < STANDS_LEVELS


def _is_frozen(line: LineEvidence, limit: FrozenLimit) -> Finding:
    looks = _looks(line)
    if not looks:
        return Finding(False)
    seconds = frozen_seconds(looks)
    return Finding(seconds > limit.max_seconds, round(seconds, 2))


def _is_changed(line: LineEvidence, limit: ChangedLimit) -> Finding:
    like = _middle(line, lambda look: look.likeness)
    if like is None:
        return Finding(False)
    return Finding(like < limit.least, round(like, 3))


def _is_soft(line: LineEvidence, limit: SoftLimit) -> Finding:
    detail = _middle(line, lambda look: look.sharpness)
    if detail is None:
        return Finding(False)
    return Finding(detail < limit.least, round(detail, 3))


LOST = Check(
    "face-lost",
    "Face lost",
    "The face that speaks in the source is missing in the dub's picture.",
    line=_is_lost,
    needs=("pictures",),
    quiet=True,
    settings=LostLimit,
    measures="Looks without the face",
)
FROZEN = Check(
    "face-frozen",
    "Face frozen",
    "The face stands still in the dub while it moves in the source.",
    line=_is_frozen,
    needs=("pictures",),
    quiet=True,
    settings=FrozenLimit,
    unit="s",
    measures="Face still",
)
CHANGED = Check(
    "face-changed",
    "Face changed",
    "Eyes, brows and nose in the dub are not those of the source: it may be another person.",
    line=_is_changed,
    needs=("pictures",),
    quiet=True,
    settings=ChangedLimit,
    measures="Likeness of the face",
)
SOFT = Check(
    "face-soft",
    "Face soft",
    "The face has much less detail than in the source.",
    line=_is_soft,
    needs=("pictures",),
    quiet=True,
    settings=SoftLimit,
    measures="Detail of the face",
)
