"""People made by code: vowels of a pitch and a throat of their own, in syllables, with a little noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter  # type: ignore[import-untyped]

RATE = 48_000
VOWELS = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410))


def person(seconds: float, *, pitch: float, throat: float, seed: int = 0) -> NDArray[np.float64]:
    """Return (S,) sound at 48 kHz of somebody: `throat` moves the formants, 1 for an average man."""
    count, random = round(seconds * RATE), np.random.default_rng(seed)
    times = np.arange(count) / RATE
    glide = pitch * (1 + 0.06 * np.sin(2 * np.pi * 0.7 * times + seed))
    phase = np.cumsum(glide) / RATE
    pulses = np.diff(np.floor(phase), prepend=0.0)
    sound = np.zeros(count)
    syllable = round(0.22 * RATE)
    for first in range(0, count, syllable):
        vowel = VOWELS[random.integers(len(VOWELS))]
        part = pulses[first : first + syllable]
        for formant in vowel:
            radius, angle = np.exp(-np.pi * 90 / RATE), 2 * np.pi * formant * throat / RATE
            part = lfilter([1 - radius], [1, -2 * radius * np.cos(angle), radius**2], part)
        left = np.arange(len(part)) / (0.03 * RATE)
        # A stop before each syllable, as consonants have.
        rise = np.clip(np.minimum(left - 0.5, left[::-1] - 1.5), 0, 1)
        sound[first : first + syllable] = part * rise / max(float(np.abs(part).max()), 1e-9)
    hiss = 0.01 * random.standard_normal(count) * np.abs(sound).mean()
    return np.asarray(0.3 * (sound + hiss))


def man(seconds: float, seed: int = 0) -> NDArray[np.float64]:
    return person(seconds, pitch=105, throat=1.0, seed=seed)


def woman(seconds: float, seed: int = 0) -> NDArray[np.float64]:
    return person(seconds, pitch=215, throat=1.18, seed=seed)
