"""Dry speech put into rooms whose figures are known."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dubkit.media.sound.room import HIGH_HZ, LOW_HZ, delayed
from dubkit.types import ASR_RATE, SAMPLE_RATE

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Samples = NDArray[np.float64]

SUFFIXES = (".wav", ".flac", ".mp3", ".aiff")


@dataclass(frozen=True, slots=True)
class Drawn:
    """What the figures of rooms are drawn from: the least and the most of each."""

    seconds: tuple[float, float]
    """Reverberation time of the middle band; evenly by its logarithm."""
    direct_db: tuple[float, float]
    bed_db: tuple[tuple[float, float], ...]
    """How far below the voice the bed stands: ranges, each as likely as the others."""
    dry: float = 0.0
    """Share of voices without a room."""
    mono: float = 0.0
    """Share of sounds with one channel."""
    plain: float = 0.0
    """Share of rooms that are nothing but noise that fades evenly, with direct sound `plain_db` above it."""
    plain_db: tuple[float, float] = (0.0, 0.0)
    rate: int = SAMPLE_RATE


MEASURED = Drawn((0.15, 1.4), (-5, 9), ((20, 20), (20, 20), (30, 30), (60, 60)), dry=0.15)
PLAIN = Drawn((0.2, 1.2), (0, 0), ((60, 60),), plain=1.0, plain_db=(-10, 3), mono=0.5)
"""Reverberation of the simplest kind, without music or noise under it."""
TRAINING = Drawn(
    (0.11, 1.7),
    (-10, 13),
    ((12, 45), (16, 45), (45, 75)),
    dry=0.08,
    mono=0.5,
    plain=0.2,
    plain_db=(-25, 13),
    rate=ASR_RATE,
)
"""Wider than what is measured, so that no measured room lies at the edge of what the network knows.

Made at the rate of the network, which is three times as fast."""


@dataclass(frozen=True, slots=True)
class Made:
    """A sound in a room, and what is true of both."""

    sound: Samples
    """`(n, C)`, of two channels or one."""
    seconds: tuple[float, float, float]
    direct_db: float
    """Direct against reverberant sound, all channels together."""
    level_db: float
    delay_ms: float
    bed_db: float
    dry: bool


def read_speech(folder: Path, drawn: Drawn = MEASURED) -> list[Samples]:
    """Read every sound file of a folder as mono at the rate of the rooms, all at one level."""
    import soundfile as sf  # type: ignore[import-untyped]
    from scipy.signal import resample_poly  # type: ignore[import-untyped]

    found = []
    for path in sorted(p for p in folder.iterdir() if p.suffix in SUFFIXES):
        sound, rate = sf.read(path, always_2d=True)
        common = gcd(rate, drawn.rate)
        mono = resample_poly(sound[:, 0], drawn.rate // common, rate // common)
        found.append(0.05 * mono / np.sqrt(np.mean(np.square(mono))))
    return found


def make(random: Generator, speech: list[Samples], drawn: Drawn = MEASURED) -> Made:
    """Put pieces of one or several voices into a room, with music or noise under them."""
    dry, seconds = _spoken(random, speech, drawn.rate), _seconds(random, drawn)
    plain = bool(drawn.plain) and random.random() < drawn.plain
    seconds = (seconds[1],) * 3 if plain else seconds
    direct, level, delay = random.uniform(*(drawn.plain_db if plain else drawn.direct_db)), 0.0, 0.0
    sound = dry[:, None].copy()
    if random.random() >= drawn.mono:
        level, delay = random.uniform(-10, 10), random.uniform(-0.6, 0.6)
        sound = _panned(dry, level, delay * drawn.rate / 1000)
    is_dry, shared = random.random() < drawn.dry, random.random() < 0.5
    if not is_dry:
        tail = _fading if plain else _tail
        echo = _echo(dry, sound, [tail(random, seconds, direct, drawn.rate) for _ in sound.T], shared=shared)
        if not shared:
            direct += 10 * np.log10(np.cosh(level * np.log(10) / 20))
        sound += echo
    bed = float(random.uniform(*drawn.bed_db[random.integers(len(drawn.bed_db))]))
    under = _bed(random, sound.shape, drawn.rate)
    under *= np.sqrt(np.mean(np.square(sound)) / np.mean(np.square(under))) * 10 ** (-bed / 20)
    return Made(sound + under, seconds, float(direct), level, delay, bed, is_dry)


def _panned(dry: Samples, level_db: float, late: float) -> Samples:
    """Return a voice `level_db` louder in the left channel, and `late` samples later in the right one."""
    left = delayed(dry, max(0.0, -late)) * 10 ** (level_db / 40)
    return np.stack((left, delayed(dry, max(0.0, late)) * 10 ** (-level_db / 40)), axis=1)


def _spoken(random: Generator, speech: list[Samples], rate: int) -> Samples:
    """Return 4 to 24 s of pieces with pauses, of one voice or of any, a little louder or softer each."""
    pieces: list[Samples] = []
    wanted = random.uniform(4, 24) * rate
    one = random.integers(len(speech)) if random.random() < 0.3 else None
    while sum(map(len, pieces)) < wanted:
        voice = speech[random.integers(len(speech)) if one is None else one]
        count = min(len(voice), int(random.uniform(1.5, 5) * rate))
        start = int(random.integers(len(voice) - count + 1))
        piece = voice[start : start + count] * 10 ** (random.uniform(-3, 3) / 20)
        pieces += [piece, np.zeros(int(random.uniform(0.05, 1.2) * rate))]
    return np.concatenate(pieces)


def _seconds(random: Generator, drawn: Drawn) -> tuple[float, float, float]:
    """Draw a reverberation time; four rooms in ten have another one in each band."""
    middle = float(np.exp(random.uniform(*np.log(drawn.seconds))))
    steps = np.array([0.15, 0.0, -0.25]) * (random.uniform(0, 1.3) if random.random() < 0.4 else 0.0)
    low, high = middle * np.exp(steps[0]), middle * np.exp(steps[2])
    return float(low), middle, float(high)


def _echo(dry: Samples, sound: Samples, tails: list[Samples], *, shared: bool) -> Samples:
    """Return the echo of each channel's own sound by one tail, or of the voice by a tail for each channel."""
    from scipy.signal import fftconvolve

    given = [(channel, tails[0]) for channel in sound.T] if shared else [(dry, tail) for tail in tails]
    return np.stack([fftconvolve(one, tail)[: len(dry)] for one, tail in given], axis=1)


def _tail(random: Generator, seconds: tuple[float, ...], direct_db: float, rate: int) -> Samples:
    from scipy.signal import butter, sosfilt

    noise = random.normal(size=int(max(seconds) * 1.3 * rate))
    at = np.arange(len(noise)) / rate
    low = sosfilt(butter(2, LOW_HZ, fs=rate, output="sos"), noise)
    high = sosfilt(butter(2, HIGH_HZ, "highpass", fs=rate, output="sos"), noise)
    bands = (low, noise - low - high, high)
    tail = np.sum([band * 10 ** (-3 * at / time) for band, time in zip(bands, seconds, strict=True)], axis=0)
    tail[: int(random.choice([1, random.uniform(1, 20)]) * rate / 1000)] = 0
    if random.random() < 0.5:
        _reflect(random, tail, rate)
    faded: Samples = tail * np.sqrt(10 ** (-direct_db / 10) / np.square(tail).sum())
    return faded


def _fading(random: Generator, seconds: tuple[float, ...], direct_db: float, rate: int) -> Samples:
    """Return noise that fades evenly, of all frequencies alike, from the direct sound on."""
    noise = random.normal(size=int(seconds[1] * 1.3 * rate))
    tail: Samples = noise * 10 ** (-3 * np.arange(len(noise)) / rate / seconds[1])
    tail[0] = 0
    faded: Samples = tail * np.sqrt(10 ** (-direct_db / 10) / np.square(tail).sum())
    return faded


def _reflect(random: Generator, tail: Samples, rate: int) -> None:
    """Add a few early reflections that stand out of the tail."""
    strength = 0.15 * np.sqrt(np.square(tail).sum())
    for _ in range(random.integers(2, 10)):
        at = int(random.uniform(0.004, 0.05) * rate)
        if at < len(tail):
            tail[at] += random.choice([-1, 1]) * strength


def _bed(random: Generator, shape: tuple[int, ...], rate: int) -> Samples:
    """Return noise, low noise, a chord or noise that comes and goes, `(n, C)`."""
    from scipy.signal import butter, sosfilt

    at = np.arange(shape[0])[:, None] / rate
    swell = np.sin(2 * np.pi * random.uniform(0.2, 2) * at)
    kind = random.choice(["noise", "low", "chord", "swelling"])
    if kind == "chord":
        chord = sum(np.sin(2 * np.pi * 110 * 2 ** (step / 12) * at) for step in random.integers(0, 48, 8))
        return np.repeat(chord * (1 + 0.5 * swell), shape[1], axis=1)
    noise: Samples = random.normal(size=shape)
    if kind == "low":
        walk: Samples = sosfilt(
            butter(1, 60, "highpass", fs=rate, output="sos"), noise.cumsum(axis=0), axis=0
        )
        return walk
    return noise * (1 + 0.6 * swell) if kind == "swelling" else noise
