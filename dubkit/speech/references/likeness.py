"""How like two stretches of speech of one person are: in loudness, pitch and pace."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dubkit.speech.pitch import median_pitch
from dubkit.speech.references.sound import cut_levels, levels, speech_level
from dubkit.types import ASR_RATE, Segment

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Manner = tuple[float, float, float]
"""Loudness in dB of full scale, median pitch in Hz (0 where it is not known), letters a second."""

STEPS = (6.0, 4.0, 4.0)
"""Decibels, semitones and letters a second that count as one step of difference."""


def manner(audio: NDArray[np.float32], segment: Segment) -> Manner:
    """Measure how a segment is spoken in 16 kHz mono sound."""
    span = (segment.start, segment.end)
    cut = audio[int(segment.start * ASR_RATE) : int(segment.end * ASR_RATE)]
    heard = levels(cut)
    letters = sum(character.isalnum() for character in segment.text)
    level = speech_level(cut_levels(heard, [(0.0, segment.end - segment.start)]))
    return level, median_pitch(audio, [span]), letters / max(segment.end - segment.start, 0.1)


def unlikeness(one: Manner, other: Manner) -> float:
    """Return how far two ways of speaking lie apart; 0 for the same.

    >>> unlikeness((-20.0, 100.0, 14.0), (-26.0, 100.0, 14.0))
    1.0
    """
    pitched = one[1] > 0 and other[1] > 0
    semitones = 12 * math.log2(one[1] / other[1]) if pitched else 0.0
    steps = (one[0] - other[0], semitones, one[2] - other[2])
    return math.hypot(*(step / unit for step, unit in zip(steps, STEPS, strict=True)))
