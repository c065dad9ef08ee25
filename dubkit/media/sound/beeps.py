"""Find the beeps of a count-in on a recording that was made against it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dubkit.types import SAMPLE_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STEP = 48
"""Samples of one step in which beeps are looked for: a millisecond."""

FOUND = 0.5
"""Correlation with the beeps from which on they are taken to be on a recording."""


def beeps_offset(
    samples: NDArray[np.float32], beeps: Sequence[float], seconds: float, hertz: float, most: float = 60.0
) -> float | None:
    """Return by how many seconds beeps come later on a recording than they were played; None without beeps.

    Args:
        samples: (N,) mono at 48 kHz.
        beeps: when each begins, in seconds from the start of what was played.
        seconds: how long each lasts.
        most: the largest offset in either direction.
    """
    import numpy as np
    from scipy.signal import fftconvolve  # type: ignore[import-untyped]

    if not beeps or not len(samples):
        return None
    heard = _strength(samples, hertz, seconds)
    template = np.zeros(int((max(beeps) + seconds) * 1000) + 1)
    width = round(seconds * 1000)
    for moment in beeps:
        template[round(moment * 1000) : round(moment * 1000) + width] = 1.0
    reach = round(most * 1000)
    padded = np.pad(heard, (reach, max(0, len(template) + reach - len(heard))))
    found = fftconvolve(padded, template[::-1], "valid")[: 2 * reach]
    energy = np.sqrt(np.clip(fftconvolve(padded**2, np.ones(len(template)), "valid"), 1e-12, None))
    match = found / (energy[: len(found)] * np.sqrt(template.sum()))
    best = int(np.argmax(match))
    return (best - reach) / 1000 if match[best] >= FOUND else None


def _strength(samples: NDArray[np.float32], hertz: float, seconds: float) -> NDArray[np.float64]:
    """Return how much of a sound is a tone, 0 to 1, for every millisecond; loudness does not matter."""
    import numpy as np

    at = np.arange(len(samples)) / SAMPLE_RATE
    moved = samples * np.exp(-2j * np.pi * hertz * at)
    size = round(seconds / 2 * SAMPLE_RATE)
    tone = _sums(moved, size) / size
    power = _sums(samples.astype(np.float64) ** 2, size) / size
    share = 2 * np.abs(tone) ** 2 / np.maximum(power, 1e-9)
    strength = np.clip(np.abs(share), 0.0, 1.0)
    strength[power < 1e-8] = 0.0
    # The window of a beep's middle lies wholly inside it: mark the whole beep around its best places.
    return np.asarray(strength[::STEP] ** 2, np.float64)


def _sums(values: NDArray[np.inexact], size: int) -> NDArray[np.inexact]:
    """Return the sum of `size` values around each."""
    import numpy as np

    total = np.concatenate([np.zeros(1, values.dtype), np.cumsum(values)])
    middle = np.arange(len(values))
    first = np.clip(middle - size // 2, 0, len(values))
    last = np.clip(middle + size - size // 2, 0, len(values))
    return np.asarray(total[last] - total[first])
