"""Put a voice into a place and a room: levels and delays of its channels, early reflections and echo.

The same place, room and seed give the same sound. Samples are `(n, C)` at 48 kHz.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubkit.media.sound.decay import Decay
from dubkit.media.sound.place import Place
from dubkit.types import SAMPLE_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float64]

LOW_HZ, HIGH_HZ = 1000.0, 3000.0
"""Borders between the three bands of a `Decay`."""

_SPEED = 343.0  # metres a second
_EARLY_SHARE = 0.15  # of the reverberant power
_EARLY_SECONDS = 0.04
_SHAPE = (1.0, 0.77, 0.5)  # of a room, by its longest side
_MOUTH, _EAR = (0.31, 0.42, 0.5), (0.62, 0.55, 0.52)


def stand_in(speech: NDArray[np.float64], place: Place, decay: Decay | None, *, seed: int = 1) -> Samples:
    """Return mono speech `(n,)` as it is heard from a place in a room, echo and all, `(n + tail, C)`."""
    import numpy as np
    from scipy.signal import fftconvolve  # type: ignore[import-untyped]

    echoes = None if decay is None else response(place, decay, seed=seed)
    tail = 0 if echoes is None else len(echoes) - 1
    heard = np.zeros((len(speech) + tail, len(place.levels)))
    for channel, (level, delay) in enumerate(zip(place.levels, place.delays, strict=True)):
        if level:
            heard[: len(speech), channel] = level * delayed(speech, delay)
        if echoes is not None and place.echo[channel]:
            heard[:, channel] += fftconvolve(speech, echoes[:, channel])
    return heard


def delayed(sound: NDArray[np.float64], samples: float) -> NDArray[np.float64]:
    """Return a sound later by any part of a sample."""
    import numpy as np

    if not samples:
        return sound
    length = len(sound) + 256
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(length) * samples)
    late: NDArray[np.float64] = np.fft.irfft(np.fft.rfft(sound, length) * turn, length)[: len(sound)]
    return late


def response(place: Place, decay: Decay, *, seed: int = 1) -> Samples:
    """Return what a room answers to one click, without the click itself, `(m, C)`."""
    import numpy as np

    count = round(max(decay.seconds) * SAMPLE_RATE)
    random = np.random.default_rng(seed)
    common = _tail(random.normal(size=count), decay)
    early = _reflections(decay.seconds[1], count)
    answer = np.zeros((count, len(place.echo)))
    for channel, level in enumerate(place.echo):
        own = common if place.echo_alike else _tail(random.normal(size=count), decay)
        parts = [(own, 1 - _EARLY_SHARE), (early, _EARLY_SHARE)]
        for part, share in parts:
            power = np.square(part).sum()
            answer[:, channel] += level * part * np.sqrt(share / power) if power else 0.0
    answer[-(count // 10) :] *= np.linspace(1, 0, count // 10)[:, None]
    return answer * 10 ** (-decay.direct_db / 20)


def _tail(noise: NDArray[np.float64], decay: Decay) -> NDArray[np.float64]:
    """Let noise fade in three bands, each in its own time."""
    import numpy as np
    from scipy.signal import butter, sosfilt

    at = np.arange(len(noise)) / SAMPLE_RATE
    low = sosfilt(butter(2, LOW_HZ, fs=SAMPLE_RATE, output="sos"), noise)
    high = sosfilt(butter(2, HIGH_HZ, "highpass", fs=SAMPLE_RATE, output="sos"), noise)
    bands = (low, noise - low - high, high)
    faded = sum(band * 10 ** (-3 * at / time) for band, time in zip(bands, decay.seconds, strict=True))
    faded[: SAMPLE_RATE // 1000] = 0  # the direct sound stands alone for a millisecond
    tail: NDArray[np.float64] = faded
    return tail


def _reflections(seconds: float, count: int) -> NDArray[np.float64]:
    """First and second reflections of a box whose size goes with its reverberation time, `(count,)`."""
    from itertools import product

    import numpy as np

    sides = np.array(_SHAPE) * (2.5 + 6 * seconds)
    mouth, ear = np.array(_MOUTH) * sides, np.array(_EAR) * sides
    direct = np.linalg.norm(mouth - ear)
    clicks = np.zeros(count)
    for cell in product((-1, 0, 1), repeat=3):
        bounces = sum(map(abs, cell))
        if not 1 <= bounces <= 2:
            continue
        step = np.array(cell)
        image = np.where(step == 0, mouth, step * sides + np.where(step % 2, sides - mouth, mouth))
        far = np.linalg.norm(image - ear)
        at = round((far - direct) / _SPEED * SAMPLE_RATE)
        if 0 < at < min(count, _EARLY_SECONDS * SAMPLE_RATE):
            clicks[at] += (-0.8) ** bounces * direct / far
    return clicks
