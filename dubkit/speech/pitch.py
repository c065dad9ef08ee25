"""The pitch of a voice, and a guess about the speaker from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dubkit.types import ASR_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LOWEST_HZ = 60.0
HIGHEST_HZ = 500.0
FRAME = 1024
HOP = 320
MAX_FRAMES = 3000
"""One minute of voiced frames settles a median; more only costs time."""

PERIODIC_BELOW = 0.15
"""Aperiodicity under which a frame counts as voiced; the first lag below it is the period.

Taking the first instead of the deepest is what keeps the answer from falling an octave.
"""

MIN_VOICED = 8


def median_pitch(audio: NDArray[np.float32], spans: Sequence[tuple[float, float]]) -> float:
    """Return the median fundamental frequency in Hz over the voiced frames of `spans`, or 0.0.

    0.0 means it could not be measured: no speech, whispering, or noise throughout.
    """
    import numpy as np

    frames = _frames(audio, spans)
    if len(frames) == 0:
        return 0.0
    pitches = _periods(frames)
    voiced = pitches[pitches > 0]
    if voiced.size < MIN_VOICED:
        return 0.0
    centre = float(np.median(voiced))
    # Frames half an octave away are creaks, octave slips or another voice, and pull the median.
    near = voiced[np.abs(np.log2(voiced / centre)) < 0.5]
    return float(np.median(near))


def describe_voice(pitch_hz: float) -> str:
    """Return a guess for the prompt. Between the usual ranges nothing is claimed.

    It is a guess: a man who declaims to a crowd reaches 250 Hz, so callers mark it as guessed.

    >>> describe_voice(110.0), describe_voice(215.0), describe_voice(160.0), describe_voice(0.0)
    ('The man', 'The woman', 'The speaker', 'The speaker')
    """
    if pitch_hz <= 0:
        return "The speaker"
    if pitch_hz < 155:
        return "The man"
    if pitch_hz < 170:
        return "The speaker"
    return "The woman" if pitch_hz < 350 else "The child"


def _frames(audio: NDArray[np.float32], spans: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
    """Return (N, FRAME) frames inside the spans, evenly thinned to `MAX_FRAMES`, quiet ones left out."""
    import numpy as np

    starts = [
        first
        for start, end in spans
        for first in range(int(start * ASR_RATE), min(int(end * ASR_RATE), len(audio)) - FRAME + 1, HOP)
    ]
    if len(starts) > MAX_FRAMES:
        starts = [starts[i] for i in np.linspace(0, len(starts) - 1, MAX_FRAMES).astype(int)]
    if not starts:
        return np.zeros((0, FRAME))
    frames = np.stack([audio[first : first + FRAME] for first in starts]).astype(np.float64)
    frames -= frames.mean(axis=1, keepdims=True)
    levels = np.sqrt(np.mean(frames * frames, axis=1))
    loud = levels > max(1e-4, 0.1 * float(np.percentile(levels, 95)))
    return np.asarray(frames[loud])


def _periods(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the fundamental of each frame in Hz, 0 where unvoiced (YIN's difference function)."""
    import numpy as np

    shortest, longest = int(ASR_RATE / HIGHEST_HZ), int(ASR_RATE / LOWEST_HZ)
    window = FRAME - longest
    head = np.fft.rfft(frames[:, :window], 2 * FRAME)
    whole = np.fft.rfft(frames, 2 * FRAME)
    correlation = np.fft.irfft(np.conj(head) * whole)[:, : longest + 1]
    energy = np.cumsum(np.pad(frames * frames, ((0, 0), (1, 0))), axis=1)
    lags = np.arange(longest + 1)
    difference = energy[:, [window]] + energy[:, lags + window] - energy[:, lags] - 2 * correlation
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
