"""Trimming a person's recording: room tone goes, breaths stay, and what is trimmed already is left alone."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from dubkit.voice.recorded import trimmed_recording
from tests.support.takes import RATE, noise, silence, tone


def seconds(samples: int) -> float:
    return samples / RATE


def joined(*parts: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate(parts)


@pytest.mark.parametrize("room", [0.0, 0.0005, 0.002])
def test_room_tone_at_both_ends_goes(room: float) -> None:
    sound = joined(silence(0.9), tone(1.5), silence(1.1))
    speech = trimmed_recording(sound + noise(3.5, room))
    assert seconds(speech.cut) == pytest.approx(0.9, abs=0.02)
    assert seconds(len(speech.samples)) == pytest.approx(1.5, abs=0.06)
    assert seconds(speech.lead) == pytest.approx(0.0, abs=0.015)


def test_a_breath_before_the_first_word_stays_whole() -> None:
    sound = joined(silence(1.0), noise(0.3, 0.003), silence(0.06), tone(1.0), silence(0.5))
    speech = trimmed_recording(sound + noise(2.86, 0.0004, seed=1))
    assert seconds(speech.cut) == pytest.approx(1.0, abs=0.02)
    assert seconds(speech.lead) == pytest.approx(0.36, abs=0.02)
    assert seconds(speech.spoken) == pytest.approx(1.0, abs=0.06)


def test_a_chair_long_before_the_line_is_no_breath() -> None:
    sound = joined(silence(0.5), noise(0.1, 0.003), silence(0.8), tone(1.0), silence(0.5))
    speech = trimmed_recording(sound + noise(2.9, 0.0004, seed=1))
    assert seconds(speech.cut) == pytest.approx(1.4, abs=0.02)


def test_a_recording_that_is_trimmed_keeps_every_sample() -> None:
    sound = tone(1.2)
    speech = trimmed_recording(sound)
    assert np.array_equal(speech.samples, sound)
    assert (speech.cut, speech.lead) == (0, 0)


def test_the_level_is_left_to_the_mix() -> None:
    loud = trimmed_recording(joined(silence(0.5), tone(1.0, level=0.8), silence(0.5)))
    soft = trimmed_recording(joined(silence(0.5), tone(1.0, level=0.08), silence(0.5)))
    assert np.abs(loud.samples).max() / np.abs(soft.samples).max() == pytest.approx(10, rel=0.01)


@pytest.mark.parametrize("sound", [silence(1.0), noise(1.0, 0.00001), np.zeros(0, np.float32)])
def test_silence_holds_no_speech(sound: NDArray[np.float32]) -> None:
    assert not len(trimmed_recording(sound).samples)


def test_flat_tops_are_noticed() -> None:
    assert trimmed_recording(np.clip(tone(1.0, level=2.0), -1, 1).astype(np.float32)).clipped
    assert not trimmed_recording(tone(1.0, level=0.9)).clipped
