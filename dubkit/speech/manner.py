"""How a stretch of speech sounds: how high, how lively, how loud, how bright, how fast."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubkit.speech.pitch import LOUD, QUIET, Contour, median_of
from dubkit.types import ASR_RATE
from dubkit.types.voices import Manner

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NEARBY = 5.0
"""Seconds before and after a line in which the quietest sound is looked for."""

SILENT = -100.0
"""dBFS of what has no sound."""

EDGE_HZ = 1000.0


def measure_manner(
    audio: NDArray[np.float32], contour: Contour, start: float, end: float, text: str
) -> Manner:
    """Return how (N,) sound at 16 kHz with its contour sounds from `start` to `end`, in seconds."""
    import numpy as np

    part, around = contour.within(start, end), contour.within(start - NEARBY, end + NEARBY)
    highest = float(np.percentile(part.level, 95)) if part.level.size else 0.0
    loud = part.level > max(QUIET, LOUD * highest)
    level = _decibels(float(np.sqrt(np.mean(part.level[loud] ** 2)))) if loud.any() else SILENT
    voiced = part.hz[loud & (part.hz > 0)]
    pitch = median_of((part,))
    low, high = np.percentile(voiced, (10, 90)) if pitch else (1.0, 1.0)
    quietest = _decibels(float(np.percentile(around.level, 5))) if around.level.size else SILENT
    letters = sum(character.isalnum() for character in text)
    return Manner(
        pitch_hz=round(pitch, 1),
        range=round(12 * float(np.log2(high / low)), 2),
        level=round(level, 2),
        voiced=round(len(voiced) / max(1, int(loud.sum())), 3),
        brightness=round(_brightness(audio[max(0, int(start * ASR_RATE)) : int(end * ASR_RATE)]), 2),
        rate=round(letters / max(end - start, 0.1), 2),
        above_noise=round(level - quietest, 1),
    )


def _brightness(sound: NDArray[np.float32]) -> float:
    """Return the level above 1 kHz against that below, in dB."""
    import numpy as np

    if not sound.size:
        return 0.0
    power = np.abs(np.fft.rfft(sound.astype(np.float64))) ** 2
    edge = round(EDGE_HZ * len(sound) / ASR_RATE)
    return 10 * float(np.log10((power[edge:].sum() + 1e-9) / (power[1:edge].sum() + 1e-9)))


def _decibels(value: float) -> float:
    import numpy as np

    return max(SILENT, 20 * float(np.log10(max(value, 1e-9))))
