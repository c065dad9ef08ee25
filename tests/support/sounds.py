"""Loudness and true peak of sound in memory; the product measures files."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dubkit.media.sound import loudness


def integrated(samples: NDArray[np.floating], rate: int, layout: str = "") -> float | None:
    """Integrated loudness of `(n,)` or `(n, C)` samples in LUFS, or None for silence."""
    sound = _channels(samples)
    weights = loudness.channel_weights(layout, sound.shape[1])
    return loudness.gated(lambda start, end: sound[start:end], [(0, len(sound))], rate, weights)


def true_peak_db(samples: NDArray[np.floating], rate: int) -> float:
    """True peak of `(n,)` or `(n, C)` samples in dBTP; -inf for silence."""
    sound, peak = _channels(samples), 0.0
    for start, end in loudness.pieces((0, len(sound)), loudness.PIECE_SECONDS * rate):
        peak = max(peak, loudness.peak_of_piece(lambda a, b: sound[max(0, a) : b], start, end))
    return loudness.decibels(peak)


def _channels(samples: NDArray[np.floating]) -> NDArray[np.float64]:
    return (samples[:, None] if samples.ndim == 1 else samples).astype(np.float64)
