"""Where sounds of the source are heard at their own level within dubbed spans: wherever the dub is silent.

Samples are absolute, and spans are (first, one past the last).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from dubkit.media.sound import loudness
from dubkit.types import SAMPLE_RATE
from dubkit.types.nonverbal import KeptSound

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

SHORTEST_REST = SAMPLE_RATE // 4
"""Less of a sound between words of the dub would only be a blip."""

RAMP = SAMPLE_RATE // 50
"""Length of the ramps, which lie inside the sound."""

_STEP = SAMPLE_RATE // 100
_SPEECH_DB = -40.0  # a step this far below the loud ones of its line is a pause
_MARGIN = SAMPLE_RATE * 6 // 100  # kept free before and after speech


class SpokenLine(Protocol):
    """A line of a mix: its speech, and where that begins."""

    @property
    def speech(self) -> Path: ...
    @property
    def start(self) -> int: ...
    @property
    def tail(self) -> int: ...


def kept_sounds(
    sounds: Iterable[loudness.Span], lines: Sequence[SpokenLine], regions: Sequence[loudness.Span]
) -> tuple[KeptSound, ...]:
    """Return the sounds that lie in `regions` in part or as a whole, cut back to where no line speaks."""
    touched = [(a, b) for a, b in sounds if any(a < last and b > first for first, last in regions)]
    spoken = _spoken(lines) if touched else []
    return tuple(KeptSound(a, b, tuple(_parts((a, b), spoken))) for a, b in touched)


def _parts(sound: loudness.Span, spoken: Sequence[loudness.Span]) -> list[loudness.Span]:
    return [(a, b) for a, b in without((sound,), spoken) if (a, b) == sound or b - a >= SHORTEST_REST]


def without(spans: Iterable[loudness.Span], others: Sequence[loudness.Span]) -> list[loudness.Span]:
    """Return what of `spans` lies outside `others`, which are in order and do not overlap.

    >>> without([(0, 10)], [(2, 3), (9, 12)])
    [(0, 2), (3, 9)]
    """
    left = []
    for start, end in spans:
        for first, last in others:
            if first >= end or last <= start:
                continue
            if start < first:
                left.append((start, first))
            start = last
        if start < end:
            left.append((start, end))
    return left


def _spoken(lines: Iterable[SpokenLine]) -> list[loudness.Span]:
    """Return where the lines are heard; the echo after a line is none of its speech."""
    from dubkit.media.sound.audio import open_wav, read_open

    spans = []
    for line in lines:
        with open_wav(line.speech) as file:
            sound = read_open(file, 0, file.frames - line.tail)
        for first, last in _heard(sound):
            spans.append((line.start + first - _MARGIN, line.start + last + _MARGIN))
    return loudness.merge_spans(spans)


def _heard(speech: NDArray[np.float64]) -> list[loudness.Span]:
    """Return where `(n, C)` speech is heard."""
    import numpy as np

    steps = -(-len(speech) // _STEP)
    padded = np.zeros((steps * _STEP, speech.shape[1]))
    padded[: len(speech)] = speech
    power = np.square(padded).reshape(steps, -1).sum(axis=1)
    if not power.any():
        return []
    loud = power > np.percentile(power, 90) * 10 ** (_SPEECH_DB / 10)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], loud, [False]]).astype(np.int8)))
    return [(first * _STEP, last * _STEP) for first, last in edges.reshape(-1, 2).tolist()]


def lift(spans: Iterable[loudness.Span], start: int, end: int) -> NDArray[np.float64]:
    """Return how far the source comes back, `(n,)`: 1 in the spans but for the ramps at their ends."""
    import numpy as np

    lifted = np.zeros(end - start)
    for first, last in spans:
        a, b = max(start, first), min(end, last)
        if a < b:
            at = np.arange(a, b)
            ramp = np.minimum(np.minimum(at - first + 1, last - at) / RAMP, 1.0)
            lifted[a - start : b - start] = 0.5 - 0.5 * np.cos(np.pi * ramp)
    return lifted
