"""How much later one recording of speech is than another, found from the rise and fall of its bands."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Sound = NDArray[np.floating]

REACH_MS = 320
"""Delays are looked for this far to both sides: seven frames of film are 292 ms."""
SIMILARITY = 0.5
MARGIN = 0.35
"""A delay is certain when the envelopes agree by `SIMILARITY` there, and by `MARGIN` less anywhere else.

Measured on real clips: speech against itself through a coarse vocoder with noise at -10 dB agrees by 0.58 to
0.83 with a margin of 0.49 or more; 306 pairs of different recordings, of 2 and 4.8 s, reached 0.46 and 0.26.
"""

_HOP_MS = 1
_WINDOW_MS = 20
_BANDS = 10
_LOW, _HIGH = 120.0, 7000.0  # Hz
_FLOOR = 1e-4  # of a band's loud moments: 40 dB below them nothing is compared
_LOCAL_MS = 301  # slower changes than this say nothing about time
_NEAR_MS = 60  # what lies closer to the best delay is the same peak
_SHORTEST_MS = 3 * REACH_MS


@dataclass(frozen=True, slots=True)
class Delay:
    """A measured delay, positive where the second recording is late."""

    ms: float
    similarity: float
    """Correlation of the envelopes at that delay, -1 to 1."""
    margin: float
    """How much lower it is at the best delay elsewhere."""

    @property
    def certain(self) -> bool:
        inside = abs(self.ms) < REACH_MS
        return inside and self.similarity >= SIMILARITY and self.margin >= MARGIN


def find_delay(reference: Sound, other: Sound, rate: int) -> Delay | None:
    """Find how much later `other` is than `reference`, both (N,) at `rate`.

    None where there is too little sound to compare. The dub says other words: only where it keeps the
    source's rhythm, or is the source itself through a codec, the result is `certain`.
    """
    import numpy as np

    length = min(len(reference), len(other))
    if length < _SHORTEST_MS * rate // 1000:
        return None
    ours, theirs = (_envelopes(sound[:length], rate) for sound in (reference, other))
    if not (ours.any() and theirs.any()):
        return None
    scores = _scores(ours, theirs)
    best = int(scores.argmax())
    far = np.abs(np.arange(len(scores)) - best) > _NEAR_MS
    return Delay(
        ms=best - REACH_MS + _vertex(scores, best),
        similarity=float(scores[best]),
        margin=float(scores[best] - scores[far].max()),
    )


def _envelopes(sound: Sound, rate: int) -> Floats:
    """Levels of the bands around their local mean, (bands, milliseconds); zeros for silence."""
    import numpy as np
    from scipy.ndimage import uniform_filter1d  # type: ignore[import-untyped]

    hop, width = rate * _HOP_MS // 1000, rate * _WINDOW_MS // 1000
    padded = np.pad(sound.astype(np.float32), width // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, width)[::hop]
    power = np.abs(np.fft.rfft(frames * np.hanning(width).astype(np.float32), axis=1)) ** 2
    pitch = np.fft.rfftfreq(width, 1 / rate)
    edges = np.geomspace(_LOW, _HIGH, _BANDS + 1)
    inside = [(pitch >= low) & (pitch < high) for low, high in pairwise(edges)]
    bands = np.stack([power[:, band].sum(axis=1) for band in inside])
    loud = np.quantile(bands, 0.98, axis=1, keepdims=True)
    levels = np.log(bands + _FLOOR * loud + 1e-12)
    levels -= uniform_filter1d(levels, _LOCAL_MS, axis=1, mode="nearest")
    # A digital silence leaves rounding errors only.
    return np.where(loud > 1e-9, levels, 0.0).astype(np.float64)


def _scores(ours: Floats, theirs: Floats) -> Floats:
    """Correlation over all bands at every delay from -REACH_MS to REACH_MS, each over what overlaps."""
    import numpy as np

    length = ours.shape[1]
    scores = np.zeros(2 * REACH_MS + 1)
    for number, lag in enumerate(range(-REACH_MS, REACH_MS + 1)):
        left = ours[:, max(0, -lag) : length - max(0, lag)]
        right = theirs[:, max(0, lag) : length - max(0, -lag)]
        scale = np.sqrt(np.square(left).sum() * np.square(right).sum())
        scores[number] = np.vdot(left, right) / max(scale, 1e-9)
    return scores


def _vertex(scores: Floats, best: int) -> float:
    """Where the parabola through the best score and its neighbours has its top, within half a step."""
    if not 0 < best < len(scores) - 1:
        return 0.0
    before, at, after = scores[best - 1 : best + 2]
    bend = before - 2 * at + after
    return float(0.5 * (before - after) / bend) if bend < 0 else 0.0
