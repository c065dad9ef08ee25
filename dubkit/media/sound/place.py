"""Where a voice stands in the source: its level and its delay in each channel, and how its echo is spread.

What reaches a microphone first came straight from the mouth, so only onsets are looked at: parts of the
spectrum that have just grown. There the first principal component of two channels is the voice, whatever
both hold beside it. Samples are `(n, C)` at 48 kHz.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dubkit.types import SAMPLE_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float64]
    Spectra = NDArray[np.complex128]

_WINDOW, _HOP = 512, 128
_LOW_HZ, _HIGH_HZ = 200.0, 7000.0
_LONGEST_MS = 1.5
_ONSET = 10.0  # growth of power over the last tenth of a second that makes an onset
_LEAST_ONSETS = 400  # bins
_LEAST_SHARE = 0.65  # of the power at onsets that the voice has to be
_LEAST_DB = -26.0  # softer than this against the loudest channel is somebody else's sound
_FINER = 32


@dataclass(frozen=True, slots=True)
class Place:
    """Where a voice stands: one value for each channel. Levels are linear and have a total power of 1."""

    levels: tuple[float, ...]
    delays: tuple[float, ...]
    """Samples, 0 for the channel that is first."""
    echo: tuple[float, ...]
    """Levels of the echo, with a total power of 1."""
    echo_alike: bool = False
    """Whether all channels hold the same echo, as when a recording in mono was panned."""


def find_place(sound: Samples, channels: Sequence[int]) -> Place | None:
    """Find where the voice in `sound` stands among `channels` (those but the LFE); None where unsure."""
    import numpy as np

    spectra = [_spectra(sound[:, channel]) for channel in channels]
    power = np.array([np.square(np.abs(spectrum)) for spectrum in spectra])  # (C, F, T)
    onsets, fading = _onsets(power.sum(axis=0))
    if onsets.sum() < _LEAST_ONSETS:
        return None
    first = int(np.argmax([channel[onsets].sum() for channel in power]))
    levels, delays = np.zeros(sound.shape[1]), np.zeros(sound.shape[1])
    for number, channel in enumerate(channels):
        if number == first:
            levels[channel] = 1.0
            continue
        level, delay, share = _against(spectra[first], spectra[number], onsets)
        if share < _LEAST_SHARE:
            return None
        if level > 10 ** (_LEAST_DB / 20):
            levels[channel], delays[channel] = level, delay
    delays[levels > 0] -= delays[levels > 0].min()
    echo, alike = _echo(spectra, power, fading, first)
    spread = np.zeros(sound.shape[1])
    spread[list(channels)] = echo
    spread[levels == 0] = 0.0
    return Place(
        tuple(float(v) for v in levels / np.sqrt(np.square(levels).sum())),
        tuple(float(v) for v in delays),
        tuple(float(v) for v in spread / np.sqrt(np.square(spread).sum())),
        alike,
    )


def _spectra(sound: NDArray[np.float64]) -> Spectra:
    """Short-time spectra from 0 Hz to half the rate, `(F, T)`; bands without speech are left out."""
    import numpy as np
    from scipy.signal import stft  # type: ignore[import-untyped]

    freqs, _, found = stft(sound, SAMPLE_RATE, nperseg=_WINDOW, noverlap=_WINDOW - _HOP)
    found[(freqs < _LOW_HZ) | (freqs > _HIGH_HZ)] = 0
    spectra: Spectra = np.asarray(found, dtype=np.complex128)
    return spectra


def _onsets(power: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the bins that have just grown, and those that fade, `(F, T)` each."""
    import numpy as np
    from scipy.ndimage import uniform_filter1d  # type: ignore[import-untyped]

    steps = round(0.08 * SAMPLE_RATE / _HOP)
    before = np.zeros_like(power)
    # A window reaches over four steps, so the mean ends five steps before the bin.
    mean = uniform_filter1d(power, steps, axis=1, mode="nearest")
    shift = steps // 2 + 5
    before[:, shift:] = mean[:, :-shift]
    loud = np.quantile(power[power > 0], 0.75) if power.any() else np.inf
    return (power > _ONSET * before) & (power > loud), (power < before / 2) & (power > loud / 30)


def _against(one: Spectra, other: Spectra, onsets: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Return level and delay (samples) of the voice in `other` against `one`, and its share of the power."""
    import numpy as np

    cross = np.where(onsets, np.conj(one) * other, 0)
    delay = _delay((cross / np.maximum(np.abs(cross), 1e-20)).sum(axis=1))
    turn = np.exp(2j * np.pi * np.arange(len(cross)) * delay / _WINDOW)
    # Echoes colour every frequency at random, so each counts the same, however loud the voice is there.
    own, its = (np.where(onsets, np.square(np.abs(sound)), 0).sum(axis=1) for sound in (one, other))
    heard = own + its > 0
    weight = 1 / (own + its)[heard]
    both = float((weight * (cross.sum(axis=1) * turn).real[heard]).sum())
    own, its = float((weight * own[heard]).sum()), float((weight * its[heard]).sum())
    values, vectors = np.linalg.eigh(np.array([[own, both], [both, its]]))
    voice = vectors[:, 1]
    level = abs(float(voice[1] / voice[0])) if voice[0] and both > 0 else 0.0
    return level, delay if level > 10 ** (_LEAST_DB / 20) else 0.0, float(values[1] / values.sum())


def _delay(cross: NDArray[np.complex128]) -> float:
    """Return the delay in samples at which two channels agree best."""
    import numpy as np

    agreement = np.fft.irfft(cross, _WINDOW * _FINER)
    reach = round(_LONGEST_MS * SAMPLE_RATE / 1000) * _FINER
    around = np.concatenate((agreement[-reach:], agreement[: reach + 1]))
    return float((int(around.argmax()) - reach) / _FINER)


def _echo(
    spectra: Sequence[Spectra], power: NDArray[np.float64], fading: NDArray[np.bool_], first: int
) -> tuple[NDArray[np.float64], bool]:
    """Return the level of the echo in each channel, and whether it is the same in all of them."""
    import numpy as np

    if fading.sum() < _LEAST_ONSETS:
        return np.ones(len(power)), False
    own = np.array([channel[fading].sum() for channel in power])
    alike = []
    for number, spectrum in enumerate(spectra):
        if number != first and own[number] > own[first] / 100:
            cross = abs((np.conj(spectra[first]) * spectrum)[fading].sum())
            alike.append(cross / np.sqrt(own[first] * own[number]))
    return np.sqrt(own), bool(alike) and bool(min(alike) > 0.8)
