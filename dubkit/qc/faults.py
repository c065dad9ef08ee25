"""Damage of sound that people hear at once: moments cut out, and tops cut off.

Samples are `(n,)` floating point with full scale 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dubkit.qc.sound import Samples

NOTHING_DB = -70.0
"""Level against the loudest of the line below which there is no sound at all."""
BESIDE_DB = -32.0
"""Level against the loudest that the sound beside a drop-out has, a moment before and after it."""
BESIDE_SECONDS = 0.004
TOP = 0.985
"""Share of the highest sample from which a top counts as at the same level."""
BELOW = 0.9
"""Share down to which fewer samples lie than at the top, where tops are cut off. Even of a plain tone it is
more."""
APART_SECONDS = 0.001
"""Seconds between two tops: less is the same one."""


def drop_outs(samples: Samples, rate: int, seconds: float) -> int:
    """Count the moments of at least `seconds` in which sound stops, and starts again, from full level.

    A pause between words ends softly on one side at least, a closed mouth before a `p` is not quite silent.
    """
    import numpy as np

    sound = np.abs(samples.astype(np.float64))
    loudest = float(sound.max(initial=0.0))
    if not loudest:
        return 0
    quiet = sound < loudest * 10 ** (NOTHING_DB / 20)
    beside = max(1, round(BESIDE_SECONDS * rate))
    enough = loudest * 10 ** (BESIDE_DB / 20)
    return sum(
        sound[max(0, start - beside) : start].max(initial=0.0) >= enough
        and sound[end : end + beside].max(initial=0.0) >= enough
        for start, end in _runs(quiet)
        if end - start >= seconds * rate
    )


def cut_tops(samples: Samples, rate: int) -> int:
    """Count the tops of the sound that end at the same level, above or below, whichever are more.

    In whole speech one or two tops are the highest; where tops are cut off, most of them end at one level.
    """
    return max(_tops(samples, rate), _tops(-samples, rate))


def _tops(samples: Samples, rate: int) -> int:
    import numpy as np

    sound = samples.astype(np.float64)
    highest = float(sound.max(initial=0.0))
    if highest <= 0:
        return 0
    at_the_top = sound >= TOP * highest
    if 2 * np.sum(at_the_top) <= np.sum(sound >= BELOW * highest):
        return 0
    starts = [start for start, _ in _runs(at_the_top)]
    apart = APART_SECONDS * rate
    return sum(place == 0 or start - starts[place - 1] > apart for place, start in enumerate(starts))


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return start and end of every stretch that is true."""
    import numpy as np

    edges = np.flatnonzero(np.diff(np.concatenate(([0], mask.astype(np.int8), [0]))))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]
