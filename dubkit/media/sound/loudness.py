"""Measure loudness (ITU-R BS.1770-4, gated) and true peak, over any spans of any length.

The K-weighting filters are pyloudnorm's with the coefficients of the standard. Energies are summed
per 100 ms, so a two-hour 5.1 programme is measured in the memory of a few seconds. Channel weights
follow the layout: the LFE does not count and the surrounds count 1.41. Samples are `(n, C)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.media.sound.audio import channel_roles, open_wav, read_open

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float64]

Span = tuple[int, int]
Read = Callable[[int, int], "Samples"]
"""Give samples `start` to `end` as `(n, C)`, fewer where the sound ends."""

ABSOLUTE_GATE = -70.0
"""LUFS below which a block counts as silence; stands for silence where a number must be written."""

PIECE_SECONDS = 10
FILTERED_SECONDS = 1
"""Seconds that are filtered at once: so few stay in the processor's cache."""
_HOPS_PER_BLOCK = 4  # a gating block is 400 ms, overlapping by three quarters
_OFFSET = -0.691  # cancels the gain of the K-weighting at 997 Hz
_RANGE_HOPS = 30  # the loudness range is that of 3 s
_LEAD_SECONDS = 0.2  # lets the 38 Hz high-pass settle before a span that starts inside the sound


def channel_weights(layout: str, channels: int) -> tuple[float, ...]:
    """Weight of each channel in the loudness sum; the LFE has 0 and surround channels 1.41.

    In 7.1 only the side channels stand within 60 to 120 degrees, so the back channels have 1.
    """
    roles = channel_roles(layout, channels)
    surround = {"SL", "SR"} if "SL" in roles else {"BL", "BR"}
    return tuple(0.0 if role.startswith("LFE") else 1.41 if role in surround else 1.0 for role in roles)


def merge_spans(spans: Iterable[Span], gap: int = 0) -> list[Span]:
    """Sort spans and join those that touch, overlap, or lie at most `gap` samples apart; drop empty ones."""
    merged: list[Span] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if merged and start - merged[-1][1] <= gap:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def pieces(span: Span, size: int) -> Iterator[Span]:
    """Cut a span into consecutive pieces of at most `size` samples."""
    for start in range(span[0], span[1], size):
        yield start, min(start + size, span[1])


def gated(read: Read, spans: Iterable[Span], rate: int, weights: Sequence[float]) -> float | None:
    """Gated loudness in LUFS over the union of `spans`, or None when all of it is below the gate.

    Blocks lie inside one span. A span shorter than 400 ms is one block of its own length, since
    a meter that ignored it would have no value for most interjections.
    """
    return gated_level([block_energies(read, span, rate, weights) for span in merge_spans(spans)])


def gated_level(blocks: Sequence[NDArray[np.float64]]) -> float | None:
    """Gated loudness in LUFS of blocks whose energies are known, or None when all are below the gate."""
    import numpy as np

    energy = np.concatenate(blocks) if blocks else np.zeros(0)
    energy = energy[energy >= _energy(ABSOLUTE_GATE)]
    if not energy.size:
        return None
    kept = energy[energy > energy.mean() / 10]  # the relative gate: 10 LU below the ungated loudness
    return float(_OFFSET + 10 * np.log10(kept.mean()))


def _energy(lufs: float) -> float:
    return float(10 ** ((lufs - _OFFSET) / 10))


def block_energies(read: Read, span: Span, rate: int, weights: Sequence[float]) -> NDArray[np.float64]:
    """Weighted mean square of every gating block of one span."""
    return hop_sums(read, span, rate, weights).energies()


def hop_sums(read: Read, span: Span, rate: int, weights: Sequence[float]) -> BlockSums:
    """Sum the weighted power of one span."""
    sums = BlockSums(rate)
    for power in _k_weighted(read, span, rate, weights):
        sums.add(power)
    return sums


def sums_of_spans(
    read: Read, spans: Iterable[Span], rate: int, weights: Sequence[float]
) -> dict[Span, BlockSums]:
    """Sum the weighted power of spans that may overlap; what they have in common is filtered once."""
    sums = {span: BlockSums(rate) for span in sorted(spans) if span[0] < span[1]}
    for stretch in merge_spans(sums, round(_LEAD_SECONDS * rate)):
        inside = SpanSums({span: one for span, one in sums.items() if stretch[0] <= span[0] < stretch[1]})
        at = stretch[0]
        for power in _k_weighted(read, stretch, rate, weights):
            inside.add(at, power)
            at += len(power)
    return sums


class SpanSums:
    """The sums of several spans whose power arrives piece by piece, from the earliest sample on."""

    def __init__(self, sums: Mapping[Span, BlockSums]) -> None:
        self._waiting = sorted(sums.items(), key=itemgetter(0), reverse=True)
        self._open: list[tuple[Span, BlockSums]] = []

    def add(self, start: int, power: NDArray[np.float64]) -> None:
        """Take the power from sample `start` on, `(n,)`."""
        end = start + len(power)
        while self._waiting and self._waiting[-1][0][0] < end:
            self._open.append(self._waiting.pop())
        for (first, last), sums in self._open:
            sums.add(power[max(0, first - start) : max(0, last - start)])
        self._open = [item for item in self._open if item[0][1] > end]


class BlockSums:
    """The gating blocks of one span, whose power arrives piece by piece."""

    def __init__(self, rate: int) -> None:
        import numpy as np

        self.hop = rate // 10
        self._rest = np.zeros(0)
        self._hops: list[NDArray[np.float64]] = []

    def add(self, power: NDArray[np.float64]) -> None:
        """Take the next samples' power, `(n,)`."""
        import numpy as np

        if len(self._rest):
            power = np.concatenate((self._rest, power))
        whole = len(power) // self.hop * self.hop
        self._hops.append(power[:whole].reshape(-1, self.hop).sum(axis=1))
        self._rest = power[whole:].copy()

    def hops(self) -> NDArray[np.float64]:
        """Return the sum of every 100 ms, the last of them of what is left."""
        import numpy as np

        rest = [np.array([self._rest.sum()])] if len(self._rest) else []
        return np.concatenate([np.zeros(0), *self._hops, *rest])

    def energies(self) -> NDArray[np.float64]:
        """Return the mean of every block; that of everything where it is shorter than one."""
        length = sum(map(len, self._hops)) * self.hop + len(self._rest)
        return energies_of_hops(self.hops(), self.hop, length)


def energies_of_hops(hops: NDArray[np.float64], hop: int, length: int) -> NDArray[np.float64]:
    """Return the mean of every block of a span of `length` samples, whose hops have these sums."""
    import numpy as np

    whole = length // hop
    if whole < _HOPS_PER_BLOCK:
        return np.array([hops.sum() / length]) if length else np.zeros(0)
    return np.convolve(hops[:whole], np.ones(_HOPS_PER_BLOCK), "valid") / (_HOPS_PER_BLOCK * hop)


def _k_weighted(read: Read, span: Span, rate: int, weights: Sequence[float]) -> Iterator[NDArray[np.float64]]:
    """Yield the K-weighted, channel-summed power of a span piece by piece, each `(n,)`."""
    heard = [index for index, weight in enumerate(weights) if weight]
    scale = [weights[index] for index in heard]
    filtering = Filtering(rate, len(heard))
    for start, end in pieces((lead_in(span, rate), span[1]), FILTERED_SECONDS * rate):
        sound = read(start, end)
        filtered = filtering.go_on(sound if len(heard) == sound.shape[1] else sound[:, heard])
        yield product(filtered, filtered, scale)[max(0, span[0] - start) :]


def product(one: Samples, other: Samples, scale: Sequence[float]) -> NDArray[np.float64]:
    """Return the product of two sounds, summed over their channels with these weights, `(n,)`."""
    import numpy as np

    total = np.zeros(len(one))
    for left, right, weight in zip(one.T, other.T, scale, strict=True):
        power = left * right
        if weight != 1.0:
            power *= weight
        total += power
    return total


def lead_in(span: Span, rate: int) -> int:
    """Return the sample from which a span is filtered."""
    return max(0, span[0] - round(_LEAD_SECONDS * rate))


class Filtering:
    """The K-weighting of a sound that arrives piece by piece."""

    def __init__(self, rate: int, channels: int) -> None:
        import numpy as np

        self._sections = _sections(rate)
        self._state = np.zeros((len(self._sections), 2, channels))

    def go_on(self, samples: Samples) -> Samples:
        """Return the next piece, weighted."""
        from scipy.signal import sosfilt  # type: ignore[import-untyped]

        filtered, self._state = sosfilt(self._sections, samples, axis=0, zi=self._state)
        weighted: Samples = filtered
        return weighted


@cache
def _sections(rate: int) -> NDArray[np.float64]:
    """Second-order sections of the K-weighting.

    pyloudnorm's default class designs other corner frequencies; the one named here reproduces the
    coefficients printed in BS.1770.
    """
    import numpy as np
    from pyloudnorm.iirfilter import IIRfilter  # type: ignore[import-untyped]

    shelf = IIRfilter(3.99984385397, 0.7071752369554193, 1681.9744509555319, rate, "high_shelf_DeMan")
    low_cut = IIRfilter(0.0, 0.5003270373253953, 38.13547087613982, rate, "high_pass_DeMan")
    return np.array([[*stage.b, *stage.a] for stage in (shelf, low_cut)])


def dialogue_loudness(path: Path, spans: Sequence[Span], layout: str = "") -> float | None:
    """Gated loudness of a file over `spans` (samples) only, or None when nothing is heard there."""
    with open_wav(path) as file:
        inside = [(max(0, start), min(end, file.frames)) for start, end in spans]
        weights = channel_weights(layout, file.channels)
        return gated(partial(read_open, file), inside, file.samplerate, weights)


def programme_loudness(path: Path, layout: str = "") -> float | None:
    """Integrated loudness of a whole file in LUFS, or None for silence."""
    with open_wav(path) as file:
        weights = channel_weights(layout, file.channels)
        return gated(partial(read_open, file), [(0, file.frames)], file.samplerate, weights)


def loudness_range(path: Path, layout: str = "") -> float | None:
    """Loudness range of a whole file in LU (EBU Tech 3342), or None for silence.

    The distance between the 10th and the 95th percentile of the loudness over 3 s, gated at -70 LUFS and at
    20 LU below the mean of what is louder.
    """
    import numpy as np

    with open_wav(path) as file:
        weights, rate = channel_weights(layout, file.channels), file.samplerate
        hop = rate // 10
        power, hops = np.zeros(0), []
        for piece in _k_weighted(partial(read_open, file), (0, file.frames), rate, weights):
            power = np.concatenate((power, piece))
            whole = len(power) // hop * hop
            hops.append(power[:whole].reshape(-1, hop).mean(axis=1))
            power = power[whole:]
    energy = np.concatenate(hops) if hops else np.zeros(0)
    length = min(_RANGE_HOPS, len(energy))
    blocks = np.convolve(energy, np.ones(length) / length, "valid") if length else energy
    blocks = blocks[blocks >= _energy(ABSOLUTE_GATE)]
    if not blocks.size:
        return None
    kept = blocks[blocks >= blocks.mean() / 100]
    low, high = np.percentile(10 * np.log10(kept), (10, 95))
    return float(high - low)


def peak_envelope(samples: Samples, above: float = 0.0) -> NDArray[np.float64]:
    """Largest level of any channel at and between samples, `(n, C)` to `(n,)`, 4 times oversampled.

    What cannot rise above the level `above` is not oversampled: there the envelope is that of the samples.
    """
    import numpy as np
    from scipy.signal import resample_poly

    envelope = _highest(np.abs(samples))
    for start, end in _loud(envelope, above / MOST_RISE):
        lead = min(PEAK_CONTEXT, start)
        around = samples[start - lead : end + PEAK_CONTEXT]
        between = _highest(np.abs(resample_poly(around, 4, 1, axis=0, window=_interpolation())))
        peaks = _highest(between[4 * lead : 4 * (lead + end - start)].reshape(end - start, 4))
        # The interpolation filter passes the samples themselves only within 0.01 dB.
        np.maximum(envelope[start:end], peaks, out=envelope[start:end])
    return envelope


def _highest(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the highest value of each row `(n, C)`, several times as fast as `max` does over few columns."""
    import numpy as np

    highest: NDArray[np.float64] = np.zeros(len(levels))
    for column in levels.T:
        np.maximum(highest, column, out=highest)
    return highest


@cache
def _interpolation() -> NDArray[np.float64]:
    """Return the filter with which `resample_poly` goes to four times the rate, worked out once."""
    from scipy.signal import firwin

    taps: NDArray[np.float64] = firwin(81, 0.25, window=("kaiser", 5.0))
    return taps


def _loud(envelope: NDArray[np.float64], level: float) -> list[Span]:
    """Return the stretches with a sample above a level, in whole blocks that reach to both sides of it."""
    import numpy as np

    starts = np.arange(0, len(envelope), _PEAK_BLOCK)
    if not level or not len(starts):
        return [(0, len(envelope))] if len(envelope) else []
    loud = starts[np.maximum.reduceat(envelope, starts) > level].tolist()
    spans = [(max(0, at - PEAK_CONTEXT), at + _PEAK_BLOCK + PEAK_CONTEXT) for at in loud]
    return [(start, min(end, len(envelope))) for start, end in merge_spans(spans, _PEAK_BLOCK)]


PEAK_CONTEXT = 32
"""Samples on each side of a piece that the interpolation filter looks at."""
MOST_RISE = 2.25
"""How many times higher than its samples a sound can be between them, for the interpolation filter in use."""
_PEAK_BLOCK = 512


def peak_of_piece(read: Read, start: int, end: int) -> float:
    """Linear true peak of samples `start` to `end`, interpolated across both borders."""
    import numpy as np

    lead = min(PEAK_CONTEXT, start)
    sound = read(start - lead, end + PEAK_CONTEXT)
    inside = slice(lead, lead + end - start)
    envelope = peak_envelope(sound, above=float(np.abs(sound[inside]).max(initial=0.0)))
    return float(envelope[inside].max(initial=0.0))


def decibels(level: float) -> float:
    """Linear level to dB; -inf for 0."""
    import math

    return 20 * math.log10(level) if level > 0 else -math.inf


def true_peak_of_file(path: Path) -> float:
    """True peak of a whole file in dBTP; -inf for silence."""
    with open_wav(path) as file:
        read = partial(read_open, file)
        spans = pieces((0, file.frames), PIECE_SECONDS * file.samplerate)
        return decibels(max((peak_of_piece(read, *span) for span in spans), default=0.0))
