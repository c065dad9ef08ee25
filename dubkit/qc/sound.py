"""Where sound is silent, where it is clipped, and where it stands in another.

Samples are `(n,)` or `(n, C)` floating point with full scale 1.
"""

from __future__ import annotations

from dataclasses import dataclass
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
_SEARCH_RATE = 8000
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


def longest_pause(samples: Samples, rate: int) -> float:
    """Seconds of the longest silence between two sounds; 0 without one."""
    gaps = max((int(b - a) - 1 for a, b in pairwise(_sounding(samples, rate))), default=0)
    return gaps * _HOP_SECONDS


def sounding_seconds(samples: Samples, rate: int, pause: float = 0.15) -> float:
    """Seconds from the first to the last sound, without the silences that are longer than `pause`."""
    sounding = _sounding(samples, rate)
    if not len(sounding):
        return 0.0
    gaps = [(int(b - a) - 1) * _HOP_SECONDS for a, b in pairwise(sounding)]
    whole = float(sounding[-1] - sounding[0] + 1) * _HOP_SECONDS
    return whole - sum(gap for gap in gaps if gap > pause)


@dataclass(frozen=True, slots=True)
class Found:
    """Where one sound stands in another."""

    seconds: float
    """From the start of the other to its first sample."""
    likeness: float
    """Correlation there, 1 for the same."""


def found_at(speech: Samples, within: Samples, rate: int) -> Found | None:
    """Return where speech, `(n,)`, stands in a longer sound, `(m,)` or `(m, C)`; None for silence.

    The level does not count. Found to an eighth of a millisecond.
    """
    import numpy as np
    from scipy.signal import correlate  # type: ignore[import-untyped]

    step = max(1, round(rate / _SEARCH_RATE))
    part, whole = _narrowed(speech, step), _narrowed(within, step)
    if len(part) > len(whole):
        part = part[: len(whole)]
    energy = float(part @ part)
    if not energy or not np.any(whole):
        return None
    match = correlate(whole, part, mode="valid", method="fft")
    sums = np.concatenate(([0.0], np.cumsum(whole**2)))
    power = np.maximum(sums[len(part) :] - sums[: len(sums) - len(part)], 1e-12)
    likeness = match / np.sqrt(energy * power[: len(match)])
    best = int(np.argmax(likeness))
    return Found(best * step / rate, float(likeness[best]))


def _narrowed(samples: Samples, step: int) -> NDArray[np.float64]:
    """Return the mean of the channels and of every `step` samples."""
    import numpy as np

    sound = np.asarray(samples, np.float64)
    sound = sound.mean(axis=1) if sound.ndim == 2 else sound
    return np.asarray(sound[: len(sound) // step * step].reshape(-1, step).mean(axis=1))
