"""Where there is sound of speech, by hundredths of a second: the speech gate says about where, loudness when.

The gate is sure of speech but late by a tenth of a second at both ends, and loudness is exact but does not
know speech from noise; so loudness decides inside and around what the gate lets through.

Shapes: audio (S,) mono float at 16 kHz; everything else (F,), one value per 10 ms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dubkit.speech.vad import (
    FRAME,
    VadSettings,
    as_signal,
    frame_levels,
    listening_gain,
    speech_probabilities,
)
from dubkit.types import ASR_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TICK = 0.01
"""Seconds per value."""

STEP = ASR_RATE // 100
WINDOW = 2 * STEP
"""Samples per value, and around it those that its loudness is taken from."""

BLOCK = 60_000
"""Values that are reckoned at once (ten minutes), so that hours fit into memory."""

AROUND = 3.0
"""Seconds to both sides from which the levels of noise and of speech are taken."""

QUIET, LOUD = 0.1, 0.95
"""Shares of the loudness around a moment that are noise and speech."""

ABOVE_NOISE = 6.0
OF_RANGE = 0.3
"""Sound of speech is this much (dB) and this share of the range from noise to speech above the noise."""

GATE_REACH = 0.15
GATE_OPEN = 0.3
"""Seconds around a moment in which the gate must be this sure of speech."""


@dataclass(frozen=True, slots=True)
class Sounding:
    """What is heard at each hundredth of a second."""

    speech: NDArray[np.bool_]
    """Whether there is sound of speech."""
    loudness: NDArray[np.float64]
    """From 0 (noise) to 1 (loud speech)."""

    @property
    def seconds(self) -> float:
        """Length of the sound."""
        return len(self.speech) * TICK


def sounding(audio: NDArray[np.float32]) -> Sounding:
    """Return where there is sound of speech."""
    import numpy as np

    signal = as_signal(audio)
    ticks = -(-len(signal) // STEP)
    if not ticks or not signal.any():
        return Sounding(np.zeros(ticks, dtype=np.bool_), np.zeros(ticks))
    levels = _decibels(signal, ticks)
    noise, speech = _around(levels)
    span = np.maximum(speech - noise, 1.0)
    above = levels - noise
    loud = (above >= ABOVE_NOISE) & (above >= OF_RANGE * span)
    return Sounding(loud & _gate(signal, ticks), np.clip(above / span, 0.0, 1.0))


def _decibels(signal: NDArray[np.float32], ticks: int) -> NDArray[np.float64]:
    """Return the loudness of 20 ms around each tick, high tones lifted so that an `s` counts as sound."""
    import numpy as np

    power = np.zeros(2 * ticks + 2)  # of 5 ms each, one more at both ends
    for first in range(0, ticks, BLOCK):
        last = min(first + BLOCK, ticks)
        piece = signal[max(first * STEP - 1, 0) : last * STEP].astype(np.float64)
        lifted = piece[1:] - 0.9 * piece[:-1]
        lifted = lifted if first else np.append(piece[:1], lifted)
        lifted = np.pad(lifted, (0, (last - first) * STEP - len(lifted)))
        power[2 * first + 1 : 2 * last + 1] = np.square(lifted).reshape(-1, STEP // 2).sum(axis=1)
    mean = sum(power[place : place + 2 * ticks : 2][:ticks] for place in range(4)) / WINDOW
    return np.asarray(10.0 * np.log10(mean + 1e-10))


def _around(levels: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the levels of noise and of speech around each tick, reckoned once a second."""
    import numpy as np

    reach, hop = round(AROUND / TICK), round(1.0 / TICK)
    middles = np.arange(0, len(levels), hop)
    parts = [levels[max(0, m - reach) : m + reach + 1] for m in middles]
    ticks = np.arange(len(levels))
    quiet = np.interp(ticks, middles, [float(np.quantile(part, QUIET)) for part in parts])
    loud = np.interp(ticks, middles, [float(np.quantile(part, LOUD)) for part in parts])
    return quiet, loud


def _gate(signal: NDArray[np.float32], ticks: int) -> NDArray[np.bool_]:
    """Return where the speech gate is open, or opens or closes near by."""
    import numpy as np

    frames = frame_levels(signal)
    gain = listening_gain(frames, 10.0 ** (VadSettings().floor_db / 20.0))
    sure = speech_probabilities(signal * gain) >= GATE_OPEN
    open_ticks = np.repeat(sure, FRAME)[np.minimum(np.arange(ticks) * STEP, len(sure) * FRAME - 1)]
    reach = round(GATE_REACH / TICK)
    near = np.convolve(open_ticks.astype(np.int64), np.ones(2 * reach + 1, dtype=np.int64))
    return np.asarray(near[reach : reach + ticks] > 0)
