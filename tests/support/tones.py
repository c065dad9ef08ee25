"""Sounds to measure: a tone and silence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE = 48_000


def tone(seconds: float, level: float = 0.3) -> NDArray[np.float64]:
    return level * np.sin(2 * np.pi * 220 * np.arange(round(seconds * RATE)) / RATE)


def quiet(seconds: float) -> NDArray[np.float64]:
    return np.zeros(round(seconds * RATE))
