"""The pitch of a voice by its periods (YIN's difference function), for where swift-f0 is not installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubkit.types import ASR_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LOWEST_HZ = 60.0
HIGHEST_HZ = 500.0
FRAME = 1024
HOP = 320

PERIODIC_BELOW = 0.15
"""Aperiodicity under which a frame counts as voiced; the first lag below it is the period.

Taking the first instead of the deepest is what keeps the answer from falling an octave.
"""

WINDOW = FRAME - int(ASR_RATE / LOWEST_HZ)
"""Samples of a frame that are compared with themselves a period later."""

BATCH = 3000
"""Frames that are worked on together: 100 MB."""


def pitch_by_periods(audio: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the pitch in Hz every HOP samples of (N,) sound at 16 kHz, 0 where it has none.

    Frame n is about the sound at sample n · HOP.
    """
    import numpy as np

    count = len(audio) // HOP + 1
    padded = np.pad(audio.astype(np.float64), (WINDOW, FRAME))
    starts = WINDOW // 2 + np.arange(count) * HOP  # the middle of two periods of a middle voice
    pitch = np.zeros(count)
    for first in range(0, count, BATCH):
        rows = starts[first : first + BATCH]
        frames = np.stack([padded[start : start + FRAME] for start in rows])
        pitch[first : first + BATCH] = _periods(frames - frames.mean(axis=1, keepdims=True))
    return pitch


def _periods(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the fundamental of each of (N, FRAME) frames in Hz, 0 where unvoiced."""
    import numpy as np

    shortest, longest = int(ASR_RATE / HIGHEST_HZ), int(ASR_RATE / LOWEST_HZ)
    head = np.fft.rfft(frames[:, :WINDOW], 2 * FRAME)
    whole = np.fft.rfft(frames, 2 * FRAME)
    correlation = np.fft.irfft(np.conj(head) * whole)[:, : longest + 1]
    energy = np.cumsum(np.pad(frames * frames, ((0, 0), (1, 0))), axis=1)
    lags = np.arange(longest + 1)
    difference = energy[:, [WINDOW]] + energy[:, lags + WINDOW] - energy[:, lags] - 2 * correlation
    running = np.cumsum(difference[:, 1:], axis=1)
    aperiodic = np.ones_like(difference)
    aperiodic[:, 1:] = difference[:, 1:] * lags[1:] / np.maximum(running, 1e-12)
    return np.array([_first_dip(row, shortest) for row in aperiodic])


def _first_dip(row: NDArray[np.float64], shortest: int) -> float:
    """Return the frequency of the first local minimum below the threshold, 0.0 when there is none."""
    import numpy as np

    below = np.flatnonzero(row[shortest:-1] < PERIODIC_BELOW)
    if below.size == 0:
        return 0.0
    lag = int(below[0]) + shortest
    while lag + 2 < len(row) and row[lag + 1] < row[lag]:
        lag += 1
    left, middle, right = row[lag - 1], row[lag], row[lag + 1]
    curve = left - 2 * middle + right
    shift = 0.5 * (left - right) / curve if curve > 1e-12 else 0.0
    return float(ASR_RATE / (lag + float(np.clip(shift, -0.5, 0.5))))
