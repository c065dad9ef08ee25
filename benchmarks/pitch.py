"""How right the pitch of a voice is measured: `python -m benchmarks.pitch [CLIP...]`.

Known pitch: sweeps made by code, and speech of hibari, whose network gives the melody that its sound is made
with, three sentences at three heights. Each is measured as it is, in noise, under music made by code, and in
the band of a telephone. Clips are measured by both ways, and where they differ is shown.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dubkit.speech.periods import HOP, pitch_by_periods
from dubkit.speech.pitch import pitch_contour
from dubkit.types import ASR_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Sound = NDArray[np.float32]

TEXTS = (
    "Good morning, my name is Jordi and I come from Barcelona.",
    "What are you doing here? I told you to wait outside.",
    "The train leaves at seven, so we should hurry up a little.",
)
HEIGHTS = (-10, 0, 6)
"""Semitones from the voice's own height."""

CHORDS = ((220.0, 277.2, 329.6), (196.0, 246.9, 293.7), (174.6, 220.0, 261.6), (130.8, 164.8, 196.0))
OCTAVE, GROSS = 600, 50
"""Cents from which a frame is an octave off, and from which it is plainly wrong."""


@dataclass(frozen=True, slots=True)
class Known:
    """Sound whose pitch is known: (F,) Hz at the centres of F frames of `step` seconds, 0 without a voice."""

    sound: Sound
    hz: NDArray[np.float64]
    step: float


@dataclass(frozen=True, slots=True)
class Scored:
    """How one sound was measured."""

    cents: float
    found: float
    invented: float
    octaves: float
    gross: float
    cost: float


Way = Callable[["Sound"], tuple["NDArray[np.float64]", float]]


def by_default(sound: Sound) -> tuple[NDArray[np.float64], float]:
    """Return the pitch as dubkit measures it, and the seconds of a step."""
    contour = pitch_contour(sound)
    return contour.hz, contour.step


def by_periods(sound: Sound) -> tuple[NDArray[np.float64], float]:
    """Return the pitch as it is measured where swift-f0 is missing."""
    return pitch_by_periods(sound), HOP / ASR_RATE


WAYS: dict[str, Way] = {"swift-f0": by_default, "periods": by_periods}


def sweep(low: float, high: float, seconds: float = 6.0, first: float = 1.0) -> Known:
    """Return a pulse-like voice that glides; `first` scales its fundamental."""
    moment = np.arange(int(seconds * ASR_RATE)) / ASR_RATE
    hertz = low * (high / low) ** (moment / seconds)
    phase = 2 * np.pi * np.cumsum(hertz) / ASR_RATE
    parts = ((first if n == 1 else 1.0) / n * np.sin(n * phase) * (n * hertz < 7800) for n in range(1, 40))
    sound = 0.05 * np.sum(list(parts), axis=0)
    return Known(sound.astype(np.float32), hertz[:: ASR_RATE // 200], 1 / 200)


def spoken() -> Iterator[Known]:
    """Yield sentences of hibari with the melody that they were made with."""
    from hibari import Hibari, dsp  # type: ignore[import-untyped]
    from scipy.signal import resample_poly  # type: ignore[import-untyped]

    voice = Hibari(voice="heart", threads=1)
    for text in TEXTS:
        for phonemes in voice.phonemize(text):
            fed = {"ids": np.asarray([voice.ids(phonemes)], np.int64), "speed": np.ones(1, np.float32)}
            *colour, melody = (part[0] for part in voice.sess.run(None, fed))
            for height in HEIGHTS:
                moved = np.where(melody > 40, melody * 2 ** (height / 12), 0.0).astype(np.float32)
                sound = dsp.synth(*colour, moved, np.random.default_rng(0))
                resampled = resample_poly(sound, 2, 3).astype(np.float32)
                yield Known(resampled, moved.astype(np.float64), len(sound) / 24_000 / len(moved))


def music(count: int) -> NDArray[np.float64]:
    """Return (N,) plucked chords of unit RMS."""
    sound = np.zeros(count)
    for number, start in enumerate(range(0, count, ASR_RATE // 2)):
        moment = np.arange(min(ASR_RATE // 2, count - start)) / ASR_RATE
        for hertz in CHORDS[number % len(CHORDS)]:
            tones = (np.sin(2 * np.pi * hertz * n * moment) / n for n in range(1, 6))
            sound[start : start + len(moment)] += np.exp(-3 * moment) * sum(tones)
    return sound / max(float(np.sqrt(np.mean(sound**2))), 1e-9)


def conditions(sound: Sound) -> Iterator[tuple[str, Sound]]:
    """Yield a sound as it is, and as it is worse heard."""
    from scipy.signal import butter, sosfiltfilt

    level = float(np.sqrt(np.mean(sound**2)))
    noise = np.random.default_rng(0).normal(size=len(sound))
    band = butter(4, (300, 3400), "bandpass", fs=ASR_RATE, output="sos")
    yield "clean", sound
    yield "noise at -10 dB", (sound + 0.316 * level * noise).astype(np.float32)
    yield "music at -10 dB", (sound + 0.316 * level * music(len(sound))).astype(np.float32)
    yield "music at 0 dB", (sound + level * music(len(sound))).astype(np.float32)
    yield "telephone", sosfiltfilt(band, sound).astype(np.float32)


def score(known: Known, sound: Sound, way: Way) -> Scored:
    """Measure a sound and compare with what is known of it."""
    began = time.process_time()
    found, step = way(sound)
    cost = (time.process_time() - began) / (len(sound) / ASR_RATE)
    centres = (np.arange(len(known.hz)) + 0.5) * known.step
    moments = np.arange(len(found)) * step
    hertz = np.interp(moments, centres, known.hz)
    voiced = np.interp(moments, centres, (known.hz > 0).astype(float))
    there, absent, heard = voiced > 0.99, voiced < 0.01, found > 0
    cents = np.abs(1200 * np.log2(found[there & heard] / hertz[there & heard]))
    return Scored(
        float(np.median(cents)) if cents.size else float("nan"),
        float(np.mean(heard[there])),
        float(np.mean(heard[absent])) if absent.any() else 0.0,
        float(np.mean(cents > OCTAVE)) if cents.size else float("nan"),
        float(np.mean(cents > GROSS)) if cents.size else float("nan"),
        cost,
    )


def rows() -> Iterator[str]:
    """Yield the rows of the table of what is known."""
    yield "| sound | way | cents | voiced found | invented | octaves off | over 50 cents | s per s |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    scores: dict[tuple[str, str], list[Scored]] = {}
    for first in (1.0, 0.0):
        name = "sweep 70 to 400 Hz" + ("" if first else ", no fundamental")
        for known in (sweep(70, 400, first=first), sweep(400, 70, first=first)):
            for way, measure in WAYS.items():
                scores.setdefault((name, way), []).append(score(known, known.sound, measure))
    for known in spoken():
        for name, sound in conditions(known.sound):
            for way, measure in WAYS.items():
                scores.setdefault((f"speech, {name}", way), []).append(score(known, sound, measure))
    for (name, way), each in scores.items():
        mean = [float(np.nanmean([getattr(one, field) for one in each])) for field in Scored.__annotations__]
        shares = " | ".join(f"{value:.3f}" for value in mean[1:])
        yield f"| {name} | {way} | {mean[0]:.1f} | {shares} |"


def clip_rows(clips: Sequence[Path]) -> Iterator[str]:
    """Yield how both ways agree on clips of which nothing is known."""
    from benchmarks.listening import read_sound

    yield "| clip | voiced, swift-f0 | voiced, periods | frames within 50 cents | octaves apart |"
    yield "| --- | --- | --- | --- | --- |"
    for clip in clips:
        sound = read_sound(clip)
        (one, step), (other, other_step) = (way(sound) for way in WAYS.values())
        nearest = np.minimum(np.round(np.arange(len(one)) * step / other_step).astype(int), len(other) - 1)
        there = (one > 0) & (other[nearest] > 0)
        cents = np.abs(1200 * np.log2(one[there] / other[nearest][there]))
        agree, apart = (float(np.mean(part)) if cents.size else 0.0 for part in (cents < 50, cents > OCTAVE))
        voiced = f"{np.mean(one > 0):.2f} | {np.mean(other > 0):.2f}"
        yield f"| {clip.name} | {voiced} | {agree:.2f} | {apart:.3f} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pitch", description=__doc__)
    parser.add_argument("clips", nargs="*", type=Path)
    given = parser.parse_args(arguments)
    print("\n".join(clip_rows(given.clips) if given.clips else rows()))


if __name__ == "__main__":
    main()
