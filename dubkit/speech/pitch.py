"""The pitch of a voice."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from dubkit.types import ASR_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LOWEST_HZ = 60.0
HIGHEST_HZ = 500.0

MOST_SECONDS = 90.0
"""Seconds of speech that settle a median; more only cost time."""

LOUD = 0.1
"""Level against the loudest frames below which a frame does not count: another voice, an echo, noise."""

QUIET = 1e-4
"""Level below which nothing counts: digital silence."""

MIN_VOICED = 8
"""Voiced frames that a median takes at least."""

VOICED = 0.5
"""Confidence of swift-f0 from which a frame is voiced."""

SWIFT_HOP = 256
PACKAGE = "swift-f0"


@dataclass(frozen=True, slots=True)
class Contour:
    """The pitch of a sound over its time."""

    step: float
    """Seconds between two frames; the first is at 0."""
    hz: NDArray[np.float64]
    """(F,), 0 where there is no voice."""
    level: NDArray[np.float64]
    """(F,) RMS of the sound around each frame, full scale 1.0."""

    def within(self, start: float, end: float) -> Contour:
        """Return the frames from `start` to `end` in seconds."""
        part = slice(max(0, round(start / self.step)), max(0, round(end / self.step)))
        return Contour(self.step, self.hz[part], self.level[part])


def estimator() -> str:
    """Return what measures pitch here, as it enters keys."""
    if importlib.util.find_spec("swift_f0") is None or importlib.util.find_spec("onnxruntime") is None:
        return "periods"
    from importlib.metadata import version

    return f"{PACKAGE} {version(PACKAGE)}"


def pitch_contour(audio: NDArray[np.float32]) -> Contour:
    """Return the pitch of (N,) sound at 16 kHz over its time, by swift-f0 where it is installed."""
    import numpy as np

    if not len(audio):
        return Contour(SWIFT_HOP / ASR_RATE, np.zeros(0), np.zeros(0))
    if estimator() == "periods":
        from dubkit.speech.periods import HOP, pitch_by_periods

        pitch = pitch_by_periods(audio)
        return Contour(HOP / ASR_RATE, pitch, _levels(audio, HOP, len(pitch)))
    detected = _detector().detect(audio, ASR_RATE, fmin=LOWEST_HZ, fmax=HIGHEST_HZ)
    pitch = np.where(detected.confidence >= VOICED, detected.pitch_hz, 0.0)
    return Contour(SWIFT_HOP / ASR_RATE, pitch, _levels(audio, SWIFT_HOP, len(pitch)))


@cache
def _detector() -> Any:
    from swift_f0 import SwiftF0

    return SwiftF0(threads=1)


def median_pitch(audio: NDArray[np.float32], spans: Sequence[tuple[float, float]]) -> float:
    """Return the median fundamental frequency in Hz over the voiced frames of `spans`, or 0.0.

    0.0 means it could not be measured: no speech, whispering, or noise throughout.
    """
    return median_of(pitch_contour(_cut(audio, start, end)) for start, end in _enough(spans))


def median_of(contours: Iterable[Contour]) -> float:
    """Return the median pitch in Hz of one voice, 0.0 where it is hardly voiced."""
    import numpy as np

    voiced = voiced_frames(list(contours))
    if voiced.size < MIN_VOICED:
        return 0.0
    centre = float(np.median(voiced))
    # Frames half an octave away are creaks, octave slips or another voice, and pull the median.
    near = voiced[np.abs(np.log2(voiced / centre)) < 0.5]
    return float(np.median(near))


def voiced_frames(contours: Sequence[Contour]) -> NDArray[np.float64]:
    """Return the pitches in Hz of all voiced frames that are loud enough to be the voice itself."""
    import numpy as np

    hz = np.concatenate([np.zeros(0), *(contour.hz for contour in contours)])
    level = np.concatenate([np.zeros(0), *(contour.level for contour in contours)])
    if not hz.size:
        return hz
    loud = level > max(QUIET, LOUD * float(np.percentile(level, 95)))
    return np.asarray(hz[loud & (hz > 0)])


def alone(
    spans: Sequence[tuple[float, float]], others: Sequence[tuple[float, float]]
) -> list[tuple[float, float]]:
    """Return the parts of `spans` in which none of `others` is; the spans themselves where nothing is left.

    >>> alone([(0.0, 4.0)], [(1.0, 2.0), (3.5, 5.0)])
    [(0.0, 1.0), (2.0, 3.5)]
    """
    left: list[tuple[float, float]] = []
    for start, end in spans:
        place = start
        for other_start, other_end in sorted(others):
            if other_end <= place or other_start >= end:
                continue
            if other_start > place:
                left.append((place, other_start))
            place = max(place, other_end)
        if place < end:
            left.append((place, end))
    return left or list(spans)


def _enough(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return spans of MOST_SECONDS in all, taken evenly from the whole."""
    total = sum(end - start for start, end in spans)
    if total <= MOST_SECONDS:
        return list(spans)
    share = MOST_SECONDS / total
    return [(start, start + max(share * (end - start), min(1.0, end - start))) for start, end in spans]


def _cut(audio: NDArray[np.float32], start: float, end: float) -> NDArray[np.float32]:
    return audio[max(0, int(start * ASR_RATE)) : int(end * ASR_RATE)]


def _levels(audio: NDArray[np.float32], hop: int, count: int) -> NDArray[np.float64]:
    """Return the RMS of two hops around each of `count` frames."""
    import numpy as np

    power = np.concatenate([[0.0], np.cumsum(audio.astype(np.float64) ** 2)])
    centres = np.arange(count) * hop
    first = np.clip(centres - hop, 0, len(audio))
    last = np.clip(centres + hop, 0, len(audio))
    return np.asarray(np.sqrt((power[last] - power[first]) / np.maximum(last - first, 1)))
