"""How loud the lines of a mix are when all their gains go up or down together.

The K-weighting is linear. So voices and what is under them are filtered once, each for itself, and the
loudness at any shift of the gains follows from three energies of each block. Only where a limiter may work,
a span is rendered and filtered again for each shift.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dubkit.media.sound import loudness
from dubkit.types import SAMPLE_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dubkit.media.sound.scene import Scene

    Samples = NDArray[np.float64]

_PIECE = loudness.PIECE_SECONDS * SAMPLE_RATE
_SPARE = 1.05
"""Peaks are taken to be this much higher, for what an interpolation misses at the ends of a piece."""
_AROUND = SAMPLE_RATE // 50
"""Samples after a piece whose peaks may reach into it by way of the limiter."""


@dataclass(frozen=True, slots=True)
class _Span:
    """Energies of the blocks of a span, and its highest samples where a limiter works; voices at no shift."""

    span: loudness.Span
    under: NDArray[np.float64]
    both: NDArray[np.float64]
    voices: NDArray[np.float64]
    under_peak: float
    voices_peak: float


class LineLoudness:
    """The gated loudness of a mix over all its lines, at any shift of `gains`."""

    def __init__(self, scene: Scene, gains: Mapping[str, float]) -> None:
        self._scene, self._gains = scene, gains
        spans = loudness.merge_spans(line.core for line in scene.lines)
        self._spans = [_measured(scene, gains, span) for span in spans]
        self._known: dict[float, float | None] = {}
        self._true_peaks: dict[loudness.Span, tuple[float, float]] = {}

    def at(self, shift: float) -> float | None:
        """Return the loudness in LUFS with every gain `shift` dB louder; None for silence."""
        if shift not in self._known:
            self._known[shift] = loudness.gated_level([self._energies(span, shift) for span in self._spans])
        return self._known[shift]

    def _energies(self, span: _Span, shift: float) -> NDArray[np.float64]:
        factor = 10 ** (shift / 20)
        if self._may_limit(span, factor):
            return self._scene.energies({id: gain + shift for id, gain in self._gains.items()}, span.span)
        return span.under + factor * span.both + factor**2 * span.voices

    def _may_limit(self, span: _Span, factor: float) -> bool:
        """Tell whether peaks may be limited; true peaks are measured only where samples leave it open."""
        ceiling = self._scene.ceiling
        if ceiling is None or loudness.MOST_RISE * (span.under_peak + factor * span.voices_peak) <= ceiling:
            return False
        if span.under_peak + factor * span.voices_peak > 2 * ceiling:
            return True
        if span.span not in self._true_peaks:
            self._true_peaks[span.span] = _true_peaks(self._scene, self._gains, span.span)
        under, voices = self._true_peaks[span.span]
        return _SPARE * (under + factor * voices) > ceiling


def _measured(scene: Scene, gains: Mapping[str, float], span: loudness.Span) -> _Span:
    import numpy as np

    heard = [index for index, weight in enumerate(scene.weights) if weight]
    scale = np.array([scene.weights[index] for index in heard])
    filters = [loudness.Filtering(SAMPLE_RATE, len(heard)) for _ in range(2)]
    sums = [loudness.BlockSums(SAMPLE_RATE) for _ in range(3)]
    peaks = [0.0, 0.0]
    for start, end in loudness.pieces((loudness.lead_in(span, SAMPLE_RATE), span[1]), _PIECE):
        parts = scene.apart(gains, start, end + _AROUND)
        bounded = scene.is_bounded(start, start + len(parts[0]))
        peaks = [
            max(peak, float(np.abs(part[bounded]).max(initial=0.0)))
            for peak, part in zip(peaks, parts, strict=True)
        ]
        inside = slice(max(0, span[0] - start), None)
        under, voices = (
            one.go_on(part[: end - start, heard])[inside] for one, part in zip(filters, parts, strict=True)
        )
        for total, power in zip(sums, (under * under, 2 * under * voices, voices * voices), strict=True):
            total.add(power @ scale)
    under, both, voices = (total.energies() for total in sums)
    return _Span(span, under, both, voices, peaks[0], peaks[1])


def _true_peaks(scene: Scene, gains: Mapping[str, float], span: loudness.Span) -> tuple[float, float]:
    """Return the linear true peaks of what is under the voices, and of the voices, where a limiter works."""
    peaks = [0.0, 0.0]
    for start, end in loudness.pieces((loudness.lead_in(span, SAMPLE_RATE), span[1]), _PIECE):
        parts = scene.apart(gains, start, end + _AROUND)
        bounded = scene.is_bounded(start, start + len(parts[0]))
        peaks = [_true_peak(part, bounded, peak) for peak, part in zip(peaks, parts, strict=True)]
    return peaks[0], peaks[1]


def _true_peak(sound: Samples, bounded: NDArray[np.bool_], least: float) -> float:
    """Return the linear true peak of a sound where `bounded`, or `least` where that is higher."""
    import numpy as np

    level = max(least, float(np.abs(sound[bounded]).max(initial=0.0)))
    envelope = loudness.peak_envelope(sound, above=level)[bounded] if level else np.zeros(0)
    return max(least, float(envelope.max(initial=0.0)))
