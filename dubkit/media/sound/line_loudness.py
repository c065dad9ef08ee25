"""How loud the lines of a mix, and the whole of it, are when all gains go up or down together.

The K-weighting is linear. So voices and what is under them are filtered once, each for itself, and the
loudness at any shift of the gains follows from three sums of each 100 ms. Only where a limiter may work,
the mix is rendered and filtered again for each shift.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from dubkit.media.sound import loudness
from dubkit.types import SAMPLE_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dubkit.media.sound.scene import Scene

    Samples = NDArray[np.float64]
    Powers = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
    """What is under the voices, twice its product with them, and the voices."""

_HOP = SAMPLE_RATE // 10
_PIECE = loudness.FILTERED_SECONDS * SAMPLE_RATE
_BEFORE, _AFTER = 1, 3
"""Hops around a peak that its limiter may reach, and in which the filter still rings."""


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums of every 100 ms of a span, the last of which may be shorter; voices at no shift."""

    span: loudness.Span
    powers: Powers


class LineLoudness:
    """The gated loudness of a mix, over all its lines and as a whole, at any shift of `gains`."""

    def __init__(self, scene: Scene, gains: Mapping[str, float]) -> None:
        import numpy as np

        self._scene, self._gains = scene, gains
        whole = (0, scene.samples)
        source = scene.source_hops()
        self._whole = _Sums(whole, (source.copy(), np.zeros_like(source), np.zeros_like(source)))
        self._peaks = np.zeros((2, len(source)))
        self._lines: list[_Sums] = []
        self._limited: dict[float, list[loudness.Span]] = {}
        self._known: dict[float, float | None] = {}
        spans = loudness.merge_spans(line.core for line in scene.lines)
        for stretch in self._stretches():
            self._measure(stretch, [span for span in spans if stretch[0] <= span[0] < stretch[1]])

    def at(self, shift: float) -> float | None:
        """Return the loudness of the lines in LUFS with every gain `shift` dB louder; None for silence."""
        if shift not in self._known:
            self._known[shift] = loudness.gated_level([self._energies(sums, shift) for sums in self._lines])
        return self._known[shift]

    def whole(self, shift: float) -> float | None:
        """Return the loudness of the whole mix."""
        return loudness.gated_level([self._energies(self._whole, shift)])

    def _stretches(self) -> list[loudness.Span]:
        """Return what may differ from the source, in whole hops that begin where the filter is at rest."""
        hops = ((a // _HOP, -(-b // _HOP) + _AFTER) for a, b in self._scene.ramped)
        return [(a * _HOP, min(b * _HOP, self._scene.samples)) for a, b in loudness.merge_spans(hops, _AFTER)]

    def _measure(self, stretch: loudness.Span, spans: Sequence[loudness.Span]) -> None:
        """Filter a stretch once, and sum it for the whole programme and for the lines in it."""

        first = stretch[0] // _HOP
        sums = {span: [loudness.BlockSums(SAMPLE_RATE) for _ in range(3)] for span in {stretch, *spans}}
        adders = [loudness.SpanSums({span: three[kind] for span, three in sums.items()}) for kind in range(3)]
        parts = _Parts(self._scene, self._gains)
        for start, end in loudness.pieces((max(0, stretch[0] - _AFTER * _HOP), stretch[1]), _PIECE):
            powers, peaks = parts.go_on(start, end)
            for adder, power in zip(adders, powers, strict=True):
                adder.add(start, power)
            at = start // _HOP
            self._peaks[:, at : at + peaks.shape[1]] = peaks
        hops = {span: [one.hops() for one in three] for span, three in sums.items()}
        for whole, part in zip(self._whole.powers, hops[stretch], strict=True):
            whole[first : first + len(part)] = part
        self._lines += [_Sums(span, (hops[span][0], hops[span][1], hops[span][2])) for span in spans]

    def _energies(self, sums: _Sums, shift: float) -> NDArray[np.float64]:
        factor = 10 ** (shift / 20)
        under, both, voices = sums.powers
        hops = under + factor * both + factor**2 * voices
        first, last = sums.span
        for start, end in self._may_limit(factor):
            a, b = max(0, start - first) // _HOP, -(-(min(end, last) - first) // _HOP)
            if a < b:
                gains = {line: gain + shift for line, gain in self._gains.items()}
                span = (first + a * _HOP, min(first + b * _HOP, last))
                render = partial(self._scene.render, gains)
                hops[a:b] = loudness.hop_sums(render, span, SAMPLE_RATE, self._scene.weights).hops()
        return loudness.energies_of_hops(hops, _HOP, last - first)

    def _may_limit(self, factor: float) -> list[loudness.Span]:
        """Return where a limiter may change the sound."""
        import numpy as np

        ceiling = self._scene.ceiling
        if ceiling is None:
            return []
        if factor not in self._limited:
            peaks = self._peaks[0] + factor * self._peaks[1]
            hops = np.flatnonzero(loudness.MOST_RISE * peaks > ceiling).tolist()
            spans = [(max(0, hop - _BEFORE) * _HOP, (hop + 1 + _AFTER) * _HOP) for hop in hops]
            self._limited[factor] = loudness.merge_spans(spans)
        return self._limited[factor]


class _Parts:
    """The voices of a scene and what is under them, filtered piece by piece."""

    def __init__(self, scene: Scene, gains: Mapping[str, float]) -> None:
        self._scene, self._gains = scene, gains
        self._heard = [index for index, weight in enumerate(scene.weights) if weight]
        self._scale = [scene.weights[index] for index in self._heard]
        self._pan = [float(scene.voices.pan[index]) for index in self._heard]
        self._filters = (
            loudness.Filtering(SAMPLE_RATE, len(self._heard)),
            loudness.Filtering(SAMPLE_RATE, 1 if scene.voices.mono else len(self._heard)),
        )

    def go_on(self, start: int, end: int) -> tuple[Powers, NDArray[np.float64]]:
        """Return powers of the next piece, and the highest samples of both parts in each hop, `(2, hops)`."""
        import numpy as np

        under, voices = self._scene.under(start, end), self._scene.voices.alone(self._gains, start, end)
        mono = self._scene.voices.mono
        loudest = float(np.abs(self._scene.voices.pan).max()) if mono else 1.0
        peaks = np.stack((_hop_peaks(under), loudest * _hop_peaks(voices)))
        below = self._filters[0].go_on(_channels(under, self._heard))
        above = self._filters[1].go_on(voices if mono else _channels(voices, self._heard))
        if mono:
            both = [2 * weight * pan for weight, pan in zip(self._scale, self._pan, strict=True)]
            share = sum(weight * pan**2 for weight, pan in zip(self._scale, self._pan, strict=True))
            crossed = loudness.product(below, np.broadcast_to(above, below.shape), both)
            power = above[:, 0] * above[:, 0] * share
        else:
            crossed = loudness.product(below, above, [2 * weight for weight in self._scale])
            power = loudness.product(above, above, self._scale)
        return (loudness.product(below, below, self._scale), crossed, power), peaks


def _channels(sound: Samples, heard: Sequence[int]) -> Samples:
    return sound if len(heard) == sound.shape[1] else sound[:, heard]


def _hop_peaks(sound: Samples) -> NDArray[np.float64]:
    """Return the highest level in each hop of a piece that begins with one."""
    import numpy as np

    flat = sound.reshape(-1)
    starts = np.arange(0, len(flat), _HOP * sound.shape[1])
    return np.maximum(np.maximum.reduceat(flat, starts), -np.minimum.reduceat(flat, starts))
