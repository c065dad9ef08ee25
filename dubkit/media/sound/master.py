"""Bring a whole programme to a loudness and under a true peak: one gain for all of it, and a limiter.

The limiter looks ahead and works on absolute sample numbers, so a piece sounds the same whatever was asked
for before it. Where nothing reaches the ceiling, a programme is changed by its constant gain alone.
Samples are `(n, C)`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.media.sound import loudness
from dubkit.media.sound.audio import RF64_BYTES, create_like, open_wav, read_open, to_pcm
from dubkit.media.sound.limiter import smooth_gain
from dubkit.media.sound.profiles import Levels
from dubkit.types import SAMPLE_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float64]

LOOK = SAMPLE_RATE // 200
"""Samples that the limiter looks each way, 5 ms: with more it would pull down what lies around a peak."""

_PIECE = loudness.PIECE_SECONDS * SAMPLE_RATE
_PASSES = 10
_LEAST_SLOPE = 0.05  # LU for each dB of gain, below which the limiter only distorts
_LONGEST_STEP = 6.0  # dB
_CLOSE = 0.03  # LU
_SPARE_DB = 0.05
"""How far the limiter stays below the ceiling, for what meters differ by between samples."""


@dataclass(frozen=True, slots=True)
class Master:
    """A gain in dB on everything, and a ceiling in dBTP; None limits nothing."""

    gain_db: float = 0.0
    ceiling_db: float | None = None

    def gains(self, read: loudness.Read, start: int, end: int) -> NDArray[np.float64]:
        """Return the linear gain of samples `start` to `end`, `(n,)`; `read` stops at the sound's ends."""
        import numpy as np

        factor = 10 ** (self.gain_db / 20)
        context = 2 * LOOK + loudness.PEAK_CONTEXT
        lead = min(context, start)
        sound = read(start - lead, end + context)
        count = min(end - start, len(sound) - lead)
        if self.ceiling_db is None:
            return np.full(count, factor)
        ceiling = 10 ** ((self.ceiling_db - _SPARE_DB) / 20)
        peaks = loudness.peak_envelope(sound, above=ceiling / factor) * factor
        needed = ceiling / np.maximum(peaks, ceiling)
        if needed.min(initial=1.0) == 1.0:
            return np.full(count, factor)
        gain: NDArray[np.float64] = smooth_gain(needed, LOOK)[lead : lead + count] * factor
        return gain

    def render(self, read: loudness.Read, start: int, end: int) -> Samples:
        """Return samples `start` to `end` as they are delivered, `(n, C)`."""
        sound = read(start, end)
        return sound * self.gains(read, start, end)[:, None]


def levelled_by(
    path: Path, levels: Levels, layout: str, spans: Sequence[loudness.Span] = (), *, limiter: bool = True
) -> Master:
    """Find the gain that brings a file to its level, limiter and all.

    `spans` are the spoken lines, for a level that is measured on dialogue; without any, or where they are
    silent, the whole programme is measured. A silent programme has no gain.
    """
    with open_wav(path) as file:
        read = partial(read_open, file)
        weights = loudness.channel_weights(layout, file.channels)
        measured = measured_spans(levels, spans, file.frames)
        ceiling = levels.true_peak_db if limiter else None
        found = loudness.gated(read, measured, file.samplerate, weights)
        if found is None and measured != [(0, file.frames)]:
            measured = [(0, file.frames)]
            found = loudness.gated(read, measured, file.samplerate, weights)
        if found is None:
            return Master(0.0, ceiling)
        gain = levels.lufs - found
        if ceiling is None or _peak(read, file.frames) + gain <= ceiling - _SPARE_DB:
            return Master(gain, ceiling)

        def heard(master: Master) -> float:
            level = loudness.gated(partial(master.render, read), measured, file.samplerate, weights)
            return loudness.ABSOLUTE_GATE if level is None else level

        return _solved(heard, Master(gain, ceiling), levels.lufs)


def _solved(heard: Callable[[Master], float], master: Master, target: float) -> Master:
    """Raise the gain until the limited programme has the loudness `target`, as far as a limiter lets it.

    The harder the limiter works, the less a louder gain gives; what the last steps gave tells the next.
    """
    best, best_error = master, float("inf")
    slope = 1.0
    before: tuple[float, float] | None = None
    for _ in range(_PASSES):
        level = heard(master)
        if before is not None and master.gain_db != before[0]:
            slope = (level - before[1]) / (master.gain_db - before[0])
        error = target - level
        if abs(error) < best_error:
            best, best_error = master, abs(error)
        if best_error < _CLOSE or slope < _LEAST_SLOPE:
            break
        before = master.gain_db, level
        step = min(max(error / slope, -_LONGEST_STEP), _LONGEST_STEP)
        master = replace(master, gain_db=master.gain_db + step)
    return best


def measured_spans(levels: Levels, spans: Sequence[loudness.Span], samples: int) -> list[loudness.Span]:
    """Return what of a programme its level is measured on."""
    inside = [(max(0, start), min(end, samples)) for start, end in spans]
    spoken = loudness.merge_spans(inside) if levels.gate == "dialogue" else []
    return spoken or [(0, samples)]


def _peak(read: loudness.Read, samples: int) -> float:
    """Return the true peak of a whole sound in dBTP."""
    peaks = (loudness.peak_of_piece(read, *piece) for piece in loudness.pieces((0, samples), _PIECE))
    return loudness.decibels(max(peaks, default=0.0))


def write_master(path: Path, out: Path, master: Master, *, rf64_bytes: int = RF64_BYTES) -> float:
    """Write a file as it is delivered; return the most that its limiter took away, in dB."""
    factor, least = 10 ** (master.gain_db / 20), float("inf")
    with open_wav(path) as file, create_like(file, out, rf64_bytes) as target:
        read = partial(read_open, file)
        for start, end in loudness.pieces((0, file.frames), _PIECE):
            gains = master.gains(read, start, end)
            least = min(least, float(gains.min(initial=factor)))
            target.write(to_pcm(read(start, end) * gains[:, None]))
    return max(0.0, -loudness.decibels(min(least, factor) / factor))
