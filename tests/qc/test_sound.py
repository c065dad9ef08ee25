"""Silence and clipping."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from dubkit.qc.sound import first_sound, is_clipped, last_sound, longest_silence
from tests.support.tones import RATE, quiet, tone


def test_first_and_last_sound_are_found_to_the_millisecond() -> None:
    sound = np.concatenate([quiet(0.25), tone(0.5), quiet(0.25)])
    assert first_sound(sound, RATE) == pytest.approx(0.25, abs=0.0015)
    assert last_sound(sound, RATE) == pytest.approx(0.75, abs=0.0015)


def test_noise_far_below_the_speech_is_no_first_sound() -> None:
    noise = np.random.default_rng(1).uniform(-0.002, 0.002, RATE)
    assert first_sound(np.concatenate([noise, tone(1)]), RATE) == pytest.approx(1, abs=0.0015)


@pytest.mark.parametrize("sound", [quiet(1), np.zeros(0), np.zeros((100, 2)), quiet(1) + 1e-5])
def test_silence_has_no_first_sound(sound: NDArray[np.float64]) -> None:
    assert first_sound(sound, RATE) is None
    assert last_sound(sound, RATE) is None


def test_longest_silence_is_between_sounds_or_after_the_last() -> None:
    middle = np.concatenate([quiet(1), tone(0.2), quiet(0.6), tone(0.2), quiet(0.1)])
    assert longest_silence(middle, RATE) == pytest.approx(0.6, abs=0.01)
    after = np.concatenate([tone(0.2), quiet(0.1), tone(0.2), quiet(0.8)])
    assert longest_silence(after, RATE) == pytest.approx(0.8, abs=0.01)
    assert longest_silence(quiet(2), RATE) == 2


def test_clipping_is_three_samples_at_full_scale() -> None:
    sound = tone(0.1)
    sound[100:102] = 1.0
    assert not is_clipped(sound)
    sound[102] = 1.0
    assert is_clipped(sound)
    assert is_clipped(np.stack([tone(0.1), sound], axis=1))
    assert not is_clipped(np.ones(2))
