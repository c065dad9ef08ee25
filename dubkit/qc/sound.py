"""Where sound is silent, and where it is clipped.

Samples are `(n,)` or `(n, C)` floating point with full scale 1.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.floating]

_HOP_SECONDS = 0.001
_SILENCE_DB = -60.0  # quieter than this nothing counts as sound
_BELOW_PEAK_DB = 35.0  # nor what is this far below the loudest part of the line
_FULL_SCALE = 1 - 2.0**-15
_CLIPPED_RUN = 3  # samples in a row at full scale; two occur in clean sound


def _levels(samples: Samples, rate: int) -> NDArray[np.float64]:
    """Largest absolute sample of each millisecond, `(n,)`."""
    import numpy as np

    sound = np.abs(samples.astype(np.float64))
    if sound.ndim == 2:
        sound = sound.max(axis=1)
    hop = max(1, round(_HOP_SECONDS * rate))
    padded = np.pad(sound, (0, -len(sound) % hop))
    levels: NDArray[np.float64] = padded.reshape(-1, hop).max(axis=1)
    return levels


def _sounding(samples: Samples, rate: int) -> NDArray[np.intp]:
    """Milliseconds that are not silent."""
    import numpy as np

    levels = _levels(samples, rate)
    loudest = levels.max(initial=0.0)
    floor = max(10 ** (_SILENCE_DB / 20), loudest * 10 ** (-_BELOW_PEAK_DB / 20))
    return np.flatnonzero(levels >= floor)


def first_sound(samples: Samples, rate: int) -> float | None:
    """Seconds to the first sound, to the millisecond; None when all is silent."""
    sounding = _sounding(samples, rate)
    return float(sounding[0]) * _HOP_SECONDS if len(sounding) else None


def last_sound(samples: Samples, rate: int) -> float | None:
    """Seconds to the end of the last sound; None when all is silent."""
    sounding = _sounding(samples, rate)
    return float(sounding[-1] + 1) * _HOP_SECONDS if len(sounding) else None


def longest_silence(samples: Samples, rate: int) -> float:
    """Seconds of the longest silence between two sounds, or after the last one to the end."""
    sounding = _sounding(samples, rate)
    length = len(samples) / rate
    if not len(sounding):
        return length
    gaps = max((int(b - a) - 1 for a, b in pairwise(sounding)), default=0)
    return max(gaps * _HOP_SECONDS, length - float(sounding[-1] + 1) * _HOP_SECONDS)


def is_clipped(samples: Samples) -> bool:
    """True when a channel stays at full scale for three samples or more."""
    import numpy as np

    full = np.abs(samples) >= _FULL_SCALE
    if len(full) < _CLIPPED_RUN:
        return False
    return bool((full[2:] & full[1:-1] & full[:-2]).any())
