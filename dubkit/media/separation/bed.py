"""The bed: what is left of a sound without its voices, made whole where the voices stood.

Taking the found voice away leaves three traces. Below 450 Hz a low voice stays, because networks give its
fundamental to the music; there the share of the voice counts several times. Above 6 kHz networks find few
sibilants, or nothing at all; the sound is turned down there by the share of voice in the bands below. And
where the voice covers music, music goes with it; each band is brought back to the level that it has between
the voices.

Shapes: mix, voice and bed (n, C) at 48 kHz; spectra (C, F, T).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubkit.types import SAMPLE_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float64]
    Spectrum = NDArray[np.complex128]
    Gains = NDArray[np.float64]

WINDOW = 2048
HOP = 512
CONTEXT = SAMPLE_RATE
"""Samples beside a piece from which the bed inside it does not depend on where the piece was cut."""

LOW_HZ = 450.0
LOW_POWER = 5.0
POWER = 2.0
"""Powers of what is no voice, below and above `LOW_HZ`."""

SIBILANT_HZ = 6000.0
SIBILANT_BAND = (3000.0, 8000.0)
"""Where a share of voice is still found when somebody hisses."""
SIBILANT_POWER = 2.0

FREE_POWER = 4
"""Power of what is no voice by which a point counts when the level of the music is looked for."""

LEVEL_BANDS = 24
LEVEL_FRAMES = 47
"""Frames over which the level of a band is looked at: half a second."""
MOST_GAIN = 2.0
"""Gain up to which a band is brought back to its level (6 dB)."""


def bed_of(mix: Samples, voice: Samples) -> Samples:
    """Return the bed of a piece of sound and the voices in it, sample for sample.

    A channel without voice comes back as it is, within rounding.
    """
    import numpy as np
    from scipy.signal import istft  # type: ignore[import-untyped]

    padded = ((0, max(0, WINDOW - len(mix))), (0, 0))
    whole, spoken = spectrum(np.pad(mix, padded)), spectrum(np.pad(voice, padded))
    share = voice_share(whole, spoken)
    left = whole * _gains(share)
    _, bed = istft(left * _level_gains(share, np.abs(left) ** 2), SAMPLE_RATE, "hann", WINDOW, WINDOW - HOP)
    return np.asarray(bed.T[: len(mix)], dtype=np.float64)


def spectrum(sound: Samples) -> Spectrum:
    """Return the spectrum (C, F, T) of a sound (n, C), of one window at least."""
    import numpy as np
    from scipy.signal import stft

    return np.asarray(stft(sound.T, SAMPLE_RATE, "hann", WINDOW, WINDOW - HOP)[2], dtype=np.complex128)


def _frequencies() -> Gains:
    import numpy as np

    return np.asarray(np.fft.rfftfreq(WINDOW, 1 / SAMPLE_RATE), dtype=np.float64)


def voice_share(whole: Spectrum, spoken: Spectrum) -> Gains:
    """Return the share of the voice in each point of a spectrum, 0 to 1.

    Above `SIBILANT_HZ` it is that of `SIBILANT_BAND` at least.
    """
    import numpy as np

    power = np.abs(whole) ** 2
    share = np.clip((spoken * whole.conj()).real / (power + 1e-12), 0.0, 1.0)
    frequencies = _frequencies()
    near = (frequencies >= SIBILANT_BAND[0]) & (frequencies < SIBILANT_BAND[1])
    hiss = (share * power)[:, near].sum(axis=1) / (power[:, near].sum(axis=1) + 1e-12)
    high = frequencies >= SIBILANT_HZ
    share[:, high] = np.maximum(share[:, high], hiss[:, None])
    return np.asarray(share, dtype=np.float64)


def _gains(share: Gains) -> Gains:
    """Return what stays of each point."""
    import numpy as np

    frequencies = _frequencies()
    powers = np.where(frequencies < LOW_HZ, LOW_POWER, POWER)
    powers[frequencies >= SIBILANT_HZ] = SIBILANT_POWER
    return np.asarray((1 - share) ** powers[None, :, None], dtype=np.float64)


def _level_gains(share: Gains, power: Gains) -> Gains:
    """Return the gain that brings each band to the level that it has where there is hardly any voice."""
    import numpy as np
    from scipy.ndimage import uniform_filter1d  # type: ignore[import-untyped]

    free = (1 - share) ** FREE_POWER
    gains = np.ones_like(power)
    for inside in _bands():
        weight, level = free[:, inside], power[:, inside]
        known = uniform_filter1d((weight * level).sum(axis=1), LEVEL_FRAMES, axis=-1)
        known /= uniform_filter1d(weight.sum(axis=1), LEVEL_FRAMES, axis=-1) + 1e-6
        present = uniform_filter1d(level.mean(axis=1), LEVEL_FRAMES, axis=-1) + 1e-14
        gains[:, inside] = np.sqrt(np.clip(known / present, 1.0, MOST_GAIN**2))[:, None, :]
    return gains


def level_of_rest(share: Gains, power: Gains) -> Gains:
    """Return the power of each frequency if only what is no voice sounded, summed over time: (C, F, 1).

    It is that of the points of the same band in which there is hardly any voice.
    """
    import numpy as np

    free = (1 - share) ** FREE_POWER
    found = np.zeros((*power.shape[:2], 1))
    for inside in _bands():
        weight = free[:, inside]
        rest = (weight * power[:, inside]).sum(axis=(1, 2)) / (weight.sum(axis=(1, 2)) + 1e-6)
        found[:, inside] = rest[:, None, None]
    return np.asarray(found * power.shape[2], dtype=np.float64)


def _bands() -> list[NDArray[np.bool_]]:
    """Return which frequencies belong to each band."""
    import numpy as np

    edges = np.geomspace(60.0, SAMPLE_RATE / 2, LEVEL_BANDS + 1)
    band_of = np.clip(np.digitize(_frequencies(), edges) - 1, 0, LEVEL_BANDS - 1)
    return [band_of == band for band in np.unique(band_of)]
