"""How long a room echoes, heard from speech alone.

Speech and echo are told apart by how fast the sound falls: in five bands and in all together, over five spans
of time, the steepest falls are those of the room, and how often they occur says how strong its echo is. Where
the sound falls evenly for long, nothing but the echo is heard, so the slopes of such passages count for
themselves. Small networks turn these figures into reverberation times and the ratio of direct to reverberant
sound, and say how sure they are. They were trained on dry speech in rooms made by code (0.11 to 1.7 s, -25 to
13 dB, with music or noise 12 to 75 dB below), some of them without a room.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.types import ASR_RATE, SAMPLE_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float64]

_HOP = 80  # 5 ms at 16 kHz
_WINDOW = 512
_EDGES_HZ = (250, 500, 1000, 2000, 4000, 7500)
_LAGS = (4, 8, 16, 32, 64)  # steps over which the sound falls
_SHARES = (0.01, 0.03, 0.07, 0.15, 0.3, 0.5)
_PASSAGES = (12, 20, 36, 60, 100)  # steps of passages in which the sound falls evenly
_PASSAGE_SHARES = (0.1, 0.3, 0.5, 0.8)
_EVEN_DB = 2.2  # deviation from a straight line up to which a passage falls evenly
_FADES_HZ = ((1, 4), (4, 8), (8, 16), (16, 40))
_NETWORK = Path(__file__).with_name("decay.npz")
MEMBERS = 3
EDITION = "2"
"""Raise it where the networks or what they are given change: dubs with rooms are then mixed anew."""

LEAST_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Decay:
    """What was heard of a room."""

    seconds: tuple[float, float, float]
    """Reverberation time (60 dB) below 1 kHz, from there to 3 kHz, and above."""
    direct_db: float
    """Direct against reverberant sound."""
    doubt: float
    """Standard deviation of the logarithm of the middle time: 0.1 is about 10 %."""


def hear_decay(sound: Samples) -> Decay | None:
    """Hear the room in speech `(n, C)` at 48 kHz with what follows it; None for less than three seconds."""
    import numpy as np

    if len(sound) < LEAST_SECONDS * SAMPLE_RATE or not sound.any():
        return None
    figures, net = figures_of(sound), _network()
    given = np.clip((figures - net["mu"]) / net["sd"], -4, 4)
    answers = []
    for member in range(MEMBERS):
        hidden = net[f"a{member}"] @ given + net[f"b{member}"]
        answers.append(net[f"c{member}"] @ (hidden / (1 + np.exp(-hidden))) + net[f"d{member}"])
    answer = np.mean(answers, axis=0)
    values = answer[:4] * net["ys"] + net["ym"]
    low, middle, high = (float(v) for v in np.exp(values[:3]))
    if max(low, middle, high) < 1.25 * min(low, middle, high):
        low = middle = high = float(np.exp(values[:3].mean()))
    return Decay((low, middle, high), float(values[3]), _doubt(np.array(answers)) * float(net["ys"][1]))


def _doubt(answers: NDArray[np.float64]) -> float:
    """Return the deviation that the networks state and that lies between them, `(M, 8)`."""
    import numpy as np

    stated = np.exp(2 * np.clip(answers[:, 5], -4, 2)).mean()
    return float(np.sqrt(stated + answers[:, 1].var()))


@cache
def _network() -> Mapping[str, NDArray[np.float64]]:
    import numpy as np

    with np.load(_NETWORK) as stored:
        return {name: stored[name].astype(np.float64) for name in stored.files}


def figures_of(sound: Samples, rate: int = SAMPLE_RATE) -> NDArray[np.float64]:
    """Describe how speech `(n, C)` at 48 kHz, or at 16 kHz, falls and fades in each band, `(379,)`."""
    import numpy as np
    from scipy.signal import resample_poly  # type: ignore[import-untyped]

    figures: list[float] = []
    powers = _band_powers(resample_poly(sound, 1, rate // ASR_RATE, axis=0))
    for band in (*powers, np.sum(powers, axis=0)):
        power = np.convolve(band, np.ones(3) / 3, "same") + 1e-14
        level = 10 * np.log10(power)
        top = float(np.quantile(level, 0.95))
        floor = max(float(np.quantile(level, 0.03)), top - 70)
        noise = 10 ** (floor / 10)
        clean = 10 * np.log10(np.maximum(power - 1.3 * noise, 0.3 * noise))
        above = power > 2.5 * noise
        figures += [*_falls(level, clean, above, top), *_passages(clean, above, top), (top - floor) / 20]
        heard = level[level > floor + 6]
        depths = top - np.quantile(heard, (0.1, 0.3, 0.5)) if len(heard) > 10 else np.zeros(3)
        figures += [*(depths / 20), *_fades(np.sqrt(power))]
    return np.array([*figures, np.log(len(powers[0]) * _HOP / ASR_RATE)])


def _band_powers(sound: Samples) -> list[NDArray[np.float64]]:
    """Power of all channels together in each band, one value every 5 ms."""
    import numpy as np
    from scipy.signal import stft

    freqs, _, found = stft(sound, ASR_RATE, nperseg=_WINDOW, noverlap=_WINDOW - _HOP, axis=0)
    total = np.square(np.abs(found)).sum(axis=1)  # (F, T)
    return [total[(freqs >= low) & (freqs < high)].sum(axis=0) for low, high in pairwise(_EDGES_HZ)]


def _falls(
    level: NDArray[np.float64], clean: NDArray[np.float64], above: NDArray[np.bool_], top: float
) -> list[float]:
    """How steeply loud moments fall over each lag, as logarithms of reverberation times.

    `clean` is the level without the noise, `above` where it stands out of the noise, all `(T,)`.
    """
    import numpy as np

    figures: list[float] = []
    times = np.zeros(len(_SHARES))
    for lag in _LAGS:
        seen = (level[:-lag] > top - 20) & above[lag:]
        falls = (clean[lag:] - clean[:-lag])[seen] / (lag * _HOP / ASR_RATE)
        if len(falls) >= 30:
            times = np.log(60 / np.maximum(-np.quantile(falls, _SHARES), 15.0))
        figures += list(times)
    return figures


def _passages(clean: NDArray[np.float64], above: NDArray[np.bool_], top: float) -> list[float]:
    """Slopes of passages that fall evenly, as logarithms of reverberation times, and how many there are."""
    import numpy as np

    figures: list[float] = []
    times = np.zeros(len(_PASSAGE_SHARES))
    for steps in _PASSAGES:
        if len(clean) <= steps:
            figures += [*times, -1.0]
            continue
        at = np.arange(steps) - (steps - 1) / 2
        flat = np.ones(steps) / steps
        slope = np.convolve(clean, at[::-1], "valid") / (at @ at)
        spread = np.convolve(clean**2, flat, "valid") - np.convolve(clean, flat, "valid") ** 2
        uneven = np.sqrt(np.maximum(spread - slope**2 * (at @ at) / steps, 0))
        begins = np.convolve(clean, np.r_[np.zeros(steps - 4), np.ones(4) / 4], "valid")
        heard = np.convolve(above.astype(float), np.ones(steps), "valid") > steps - 0.5
        a_second = slope * ASR_RATE / _HOP
        chosen = heard & (a_second < -15.0) & (uneven < _EVEN_DB) & (begins > top - 30)
        if chosen.sum() >= 8:
            times = np.quantile(np.log(60 / np.maximum(-a_second[chosen], 15.0)), _PASSAGE_SHARES)
        figures += [*times, float(np.log10(chosen.sum() + 1)) / 3]
    return figures


def _fades(envelope: NDArray[np.float64]) -> list[float]:
    """How much of the envelope's movement is slow, and how much quick."""
    import numpy as np

    moving = (envelope - envelope.mean()) * np.hanning(len(envelope))
    spectrum = np.square(np.abs(np.fft.rfft(moving)))
    freqs = np.fft.rfftfreq(len(envelope), _HOP / ASR_RATE)
    whole = spectrum[(freqs > 0.5) & (freqs < 40)].sum() + 1e-20
    shares = (spectrum[(freqs >= low) & (freqs < high)].sum() / whole for low, high in _FADES_HZ)
    return [float(np.log(share + 1e-4) / 2) for share in shares]
