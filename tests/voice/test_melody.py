"""A voice is spoken higher or lower: as many semitones as asked, in the same time, with the same vowels."""

from __future__ import annotations

import numpy as np
import pytest

from dubkit.speech.pitch import Contour, median_of, pitch_contour
from dubkit.types import SAMPLE_RATE
from dubkit.voice.melody import moved

SECONDS = 1.5


def vowel(hertz: float, formants: tuple[float, ...] = (700.0, 1200.0, 2600.0)) -> np.ndarray:
    """A glottal pulse train through resonances, with a rest in the middle: (N,) at 48 kHz."""
    from scipy.signal import lfilter

    count = int(SECONDS * SAMPLE_RATE)
    pulses = np.zeros(count)
    pulses[:: round(SAMPLE_RATE / hertz)] = 1.0
    for formant in formants:
        radius, angle = np.exp(-np.pi * 100 / SAMPLE_RATE), 2 * np.pi * formant / SAMPLE_RATE
        pulses = lfilter([1.0], [1.0, -2 * radius * np.cos(angle), radius**2], pulses)
    pulses[count // 2 : count // 2 + SAMPLE_RATE // 5] = 0.0
    return (0.3 * pulses / np.abs(pulses).max()).astype(np.float32)


def contour_of(samples: np.ndarray) -> Contour:
    from scipy.signal import resample_poly

    return pitch_contour(resample_poly(samples, 1, 3).astype(np.float32))


def moved_by(samples: np.ndarray, semitones: float) -> np.ndarray:
    contour = contour_of(samples)
    return moved(samples, SAMPLE_RATE, contour.hz, contour.step, semitones)


@pytest.mark.parametrize("hertz", [96.0, 200.0])
@pytest.mark.parametrize("semitones", [-3.0, -1.0, 1.0, 3.0])
def test_a_voice_lies_as_many_semitones_higher_as_asked(hertz: float, semitones: float) -> None:
    before = vowel(hertz)
    after = moved_by(before, semitones)
    assert len(after) == len(before)
    found = 12 * np.log2(median_of([contour_of(after)]) / median_of([contour_of(before)]))
    assert found == pytest.approx(semitones, abs=0.3)


def peak_near(samples: np.ndarray, formant: float) -> float:
    """Return where the envelope of the spectrum peaks, in Hz, within a third of a formant."""
    from scipy.ndimage import gaussian_filter1d

    power = np.abs(np.fft.rfft(samples)) ** 2
    hertz = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)
    smooth = gaussian_filter1d(power, 120 * SECONDS)
    near = (hertz > formant / 1.3) & (hertz < formant * 1.3)
    return float(hertz[near][np.argmax(smooth[near])])


@pytest.mark.parametrize("semitones", [-3.0, 3.0])
def test_the_vowel_stays_the_same(semitones: float) -> None:
    # A speed change would move it by 19 %.
    before = vowel(110.0)
    after = moved_by(before, semitones)
    assert peak_near(after, 2600.0) == pytest.approx(peak_near(before, 2600.0), rel=0.05)


def test_rests_and_sound_without_a_voice_keep_their_places() -> None:
    before = vowel(110.0)
    after = moved_by(before, 2.0)
    rest = slice(len(before) // 2 + 2400, len(before) // 2 + SAMPLE_RATE // 5 - 2400)
    assert not np.abs(after[rest]).max()
    noise = np.random.default_rng(0).normal(0, 0.1, SAMPLE_RATE).astype(np.float32)
    assert np.array_equal(moved(noise, SAMPLE_RATE, np.zeros(63), 0.016, 2.0), noise)
    assert np.array_equal(moved_by(before, 0.0), before)


def test_nothing_is_nothing() -> None:
    assert not len(moved(np.zeros(0, np.float32), SAMPLE_RATE, np.zeros(0), 0.016, 2.0))
