"""Peaks of a sound file for drawing its waveform, read once in blocks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.media.sound.audio import open_wav

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RATE = 100
"""Peaks per second of a file that is not long."""

_LONG_SECONDS = 45 * 60
_LONG_RATE = 50
_BLOCK_WINDOWS = 1000


@dataclass(frozen=True, slots=True)
class Peaks:
    """The waveform of a file: peak n covers the seconds n / rate to (n + 1) / rate."""

    duration: float
    """Seconds."""
    rate: float
    """Peaks per second."""
    peaks: tuple[float, ...]
    """Largest absolute sample of any channel, 0 to 1 of full scale, to three decimals."""


def sound_peaks(path: Path, rate: int = 0) -> Peaks:
    """Read the peaks of a sound file; `rate` 0 takes 100 per second, or 50 above three quarters of an hour.

    A window is a whole number of samples, so the rate that is returned may differ a little from the one
    asked for. Memory does not grow with the file but for the peaks. Raises MediaError.
    """
    import numpy as np

    with open_wav(path) as file:
        seconds = file.frames / file.samplerate
        wanted = rate or (_LONG_RATE if seconds > _LONG_SECONDS else RATE)
        window = max(1, round(file.samplerate / wanted))
        found = [
            _window_peaks(block, window)
            for block in file.blocks(window * _BLOCK_WINDOWS, dtype="int32", always_2d=True)
        ]
        peaks = np.concatenate(found) if found else np.zeros(0)
        return Peaks(round(seconds, 6), file.samplerate / window, tuple(peaks.round(3).tolist()))


def _window_peaks(block: NDArray[np.int32], window: int) -> NDArray[np.float64]:
    """Return the peak of each window of a block `(n, C)`; the last window may be short."""
    import numpy as np

    flat = np.ascontiguousarray(block).reshape(-1)
    starts = np.arange(0, len(flat), window * block.shape[1])
    # The negative extreme has no positive twin in 32 bits, so magnitudes are taken after widening.
    highest = np.maximum.reduceat(flat, starts).astype(np.float64)
    lowest = np.minimum.reduceat(flat, starts).astype(np.float64)
    peaks: NDArray[np.float64] = np.maximum(np.abs(highest), np.abs(lowest)) / 2.0**31
    return peaks
