"""Whether the mouth moves with the speech of the dub, where its pictures are not the source's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import pstdev
from typing import TYPE_CHECKING

from dubkit.qc.check import Check, Finding
from dubkit.qc.evidence import LineEvidence
from dubkit.qc.pictures.looks import FaceLook
from dubkit.settings import Positive, option

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEAST_LOOKS = 5
"""Looks with speech, or without, below which nothing is said of them."""
LEAST_HEIGHT = 60.0
"""Pixels of a face below which its lips are not measured well."""
LESS = 0.6
"""Share of the source's movement below which a mouth moves less."""
AROUND = 0.15
"""Seconds before and after a look in which it is heard whether somebody speaks."""
SPEAKS_DB, SILENT_DB = -25.0, -40.0
"""Level against the loudest of the line from which somebody speaks, and below which nobody does."""


@dataclass(frozen=True, slots=True)
class StillLimit:
    """Mouths that do not move while the dub speaks."""

    on: bool = option(False, "Look whether the mouth moves while the dub speaks.", job=True)
    least: Positive = option(
        0.03, "Spread of the mouth's opening over its width below which it is still while the dub speaks."
    )


@dataclass(frozen=True, slots=True)
class BusyLimit:
    """Mouths that move while the dub is silent."""

    on: bool = option(False, "Look whether the mouth is still while the dub is silent.", job=True)
    most: Positive = option(
        0.04, "Spread of the mouth's opening over its width above which it moves while the dub is silent."
    )


def spread(looks: Sequence[FaceLook], *, source: bool = False) -> float | None:
    """Return how much a mouth opens and closes over some looks, over its width; None where they are few."""
    clear = [look for look in looks if look.found and look.height >= LEAST_HEIGHT]
    openings = [look.source_opening if source else look.opening for look in clear]
    return pstdev(openings) if len(openings) >= LEAST_LOOKS else None


def speaking(line: LineEvidence) -> tuple[list[FaceLook], list[FaceLook]]:
    """Return the looks at which the dub speaks, and those at which it is silent; others are left out."""
    assert line.pictures is not None, "the check is asked where it was looked at"
    looks = line.pictures.looks if line.pictures.lips else ()
    levels = _levels(line, [look.time for look in looks])
    spoken = [look for look, level in zip(looks, levels, strict=True) if level >= SPEAKS_DB]
    silent = [look for look, level in zip(looks, levels, strict=True) if level <= SILENT_DB]
    return spoken, silent


def _levels(line: LineEvidence, times: Sequence[float]) -> NDArray[np.float64]:
    """Return the level of the speech around some moments, in dB against its loudest."""
    import numpy as np

    hop = round(0.02 * line.rate)
    speech = np.asarray(line.speech, np.float64)
    speech = speech.mean(axis=1) if speech.ndim == 2 else speech
    padded = np.pad(speech, (0, -len(speech) % hop)).reshape(-1, hop)
    levels = np.sqrt((padded**2).mean(axis=1)) if len(padded) else np.zeros(1)
    loudest = max(float(levels.max(initial=0.0)), 1e-5)
    result = []
    for time in times:
        middle, reach = (time - line.speech_start) * line.rate / hop, AROUND * line.rate / hop
        part = levels[max(0, int(middle - reach)) : max(0, int(middle + reach) + 1)]
        result.append(20 * np.log10(max(float(part.max(initial=0.0)), 1e-9) / loudest))
    return np.array(result)


def _is_still(line: LineEvidence, limit: StillLimit) -> Finding:
    if line.first_sound is None:
        return Finding(False)
    spoken, _ = speaking(line)
    moved, source = spread(spoken), spread(spoken, source=True)
    if moved is None or source is None:
        return Finding(False)
    # A mouth that hardly moves in the source either, in profile or behind a beard, says nothing.
    return Finding(moved < limit.least and moved < LESS * source, round(moved, 4))


def _is_busy(line: LineEvidence, limit: BusyLimit) -> Finding:
    moved = spread(speaking(line)[1])
    return Finding(moved is not None and moved > limit.most, None if moved is None else round(moved, 4))


STILL = Check(
    "mouth-still",
    "Mouth still",
    "The mouth does not move while the dub speaks.",
    line=_is_still,
    needs=("pictures",),
    quiet=True,
    settings=StillLimit,
    measures="Mouth while the dub speaks",
)
BUSY = Check(
    "mouth-busy",
    "Mouth moves in silence",
    "The mouth moves while the dub is silent.",
    line=_is_busy,
    needs=("pictures",),
    quiet=True,
    settings=BusyLimit,
    measures="Mouth while the dub is silent",
)
