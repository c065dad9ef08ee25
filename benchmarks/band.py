"""Music made by code: chords, a bass and drums in stereo, at 48 kHz."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE = 48_000
CHORDS = ((220.0, 277.2, 329.6), (196.0, 246.9, 293.7), (174.6, 220.0, 261.6), (164.8, 207.7, 246.9))
BEAT = 0.5


def band(seconds: float) -> NDArray[np.float64]:
    """Return music (n, 2), the same each time."""
    chance = np.random.default_rng(0)
    out = np.zeros((round(seconds * RATE), 2))
    for beat in range(int(seconds / BEAT) + 1):
        first = round(beat * BEAT * RATE)
        end = min(len(out), first + round(1.5 * BEAT * RATE))
        if first < end:
            out[first:end] += _beat(beat, np.arange(end - first) / RATE, chance)
    return out


def _beat(beat: int, time: NDArray[np.float64], chance: np.random.Generator) -> NDArray[np.float64]:
    chord = CHORDS[(beat // 4) % len(CHORDS)]
    sound = np.zeros((len(time), 2))
    for place, hertz in enumerate(chord):
        partials = sum(np.sin(2 * np.pi * hertz * n * time) / n**1.5 for n in range(1, 8))
        sides = np.sqrt([0.7 - 0.2 * place, 0.3 + 0.2 * place])
        sound += (0.12 * partials * np.exp(-3 * time))[:, None] * sides
    sound += (0.25 * np.sin(np.pi * chord[0] / 2 * time) * np.exp(-2 * time))[:, None]
    sound += 0.05 * chance.normal(size=(len(time), 2)) * np.exp(-40 * time)[:, None]
    if beat % 2:
        return sound + 0.12 * (chance.normal(size=len(time)) * np.exp(-18 * time))[:, None]
    return sound + 0.4 * (np.sin(2 * np.pi * 50 * time) * np.exp(-12 * time))[:, None]
