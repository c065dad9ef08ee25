"""What is found between words: a burst like a laugh, a breath; not music, not another speaker, not a word."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dubkit.speech import nonverbal
from dubkit.speech.nonverbal import nonverbal_sounds
from dubkit.types import ASR_RATE, Segment, Turn, Word
from dubkit.types.music import SoundSpan

WORDS = (Word(1.0, 1.4, "So"), Word(1.4, 2.0, " then"), Word(4.0, 4.5, " he"), Word(4.5, 5.0, " left."))
LINE = Segment("s0001", 1.0, 5.0, "spk1", "So then he left.", WORDS)


def noise(seconds: float, low: float, high: float, level: float, seed: int = 0) -> np.ndarray:
    count = round(seconds * ASR_RATE)
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=count))
    hertz = np.fft.rfftfreq(count, 1 / ASR_RATE)
    spectrum[(hertz < low) | (hertz > high)] = 0
    sound: np.ndarray = np.fft.irfft(spectrum, count)
    return level * sound / sound.std()


def laugh(seconds: float, level: float = 0.05) -> np.ndarray:
    """Five bursts a second, half voice and half breath."""
    time = np.arange(round(seconds * ASR_RATE)) / ASR_RATE
    voiced = sum(np.sin(2 * np.pi * 220 * n * time) / n for n in range(1, 15))
    bursts = np.clip(np.sin(2 * np.pi * 5 * time), 0, 1) ** 1.5
    laughing: np.ndarray = bursts * (level * voiced / voiced.std() + noise(seconds, 300, 5000, level))
    return laughing


def recording(*sounds: tuple[float, np.ndarray], floor: float = 2e-4, words: tuple[Word, ...] = WORDS) -> Any:
    """Return 8 s in which the words and some sounds are heard."""
    audio = np.random.default_rng(1).normal(0, floor, 8 * ASR_RATE)
    for word in words:
        sounds += ((word.start, noise(word.end - word.start, 100, 4000, 0.1)),)
    for start, sound in sounds:
        first = round(start * ASR_RATE)
        audio[first : first + len(sound)] += sound
    return audio.astype(np.float32)


@pytest.mark.parametrize(
    ("start", "sound"),
    [
        (2.5, laugh(0.9)),
        (3.0, noise(0.4, 500, 6000, 0.02)),
        (5.3, laugh(0.7)),
        (0.3, noise(0.3, 500, 6000, 0.02)),
    ],
    ids=["laugh", "breath", "laugh after the line", "breath before it"],
)
def test_a_laugh_and_a_breath_are_found_within_a_tenth_of_a_second(start: float, sound: np.ndarray) -> None:
    (found,) = nonverbal_sounds(recording((start, sound)), [LINE])
    assert found.start == pytest.approx(start, abs=0.1)
    assert found.end == pytest.approx(start + len(sound) / ASR_RATE, abs=0.1)
    assert found.speaker == "spk1"
    assert found.above_noise > 20


def test_nothing_is_found_in_pauses_and_in_words() -> None:
    assert nonverbal_sounds(recording(), [LINE]) == ()
    assert nonverbal_sounds(recording(floor=0.02), [LINE]) == ()
    assert nonverbal_sounds(np.zeros(8 * ASR_RATE, dtype=np.float32), [LINE]) == ()
    assert nonverbal_sounds(recording(), []) == ()
    assert nonverbal_sounds(np.zeros(0, dtype=np.float32), [LINE]) == ()


def test_what_may_be_a_word_that_nobody_recognised_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    audio = recording((2.5, laugh(1.0)))
    monkeypatch.setattr(
        nonverbal, "speech_probabilities", lambda signal: np.full(len(signal) // 512 + 1, 0.9)
    )
    assert nonverbal_sounds(audio, [LINE]) == ()
    monkeypatch.setattr(nonverbal, "speech_probabilities", lambda signal: np.zeros(len(signal) // 512 + 1))
    assert len(nonverbal_sounds(audio, [LINE])) == 1


def test_music_another_speaker_and_a_line_without_words_are_left_out() -> None:
    audio = recording((2.5, laugh(1.0)))
    assert nonverbal_sounds(audio, [LINE], music=[SoundSpan(2.0, 4.0, "music")]) == ()
    assert nonverbal_sounds(audio, [LINE], [Turn(1.0, 5.0, "spk1"), Turn(3.0, 3.2, "spk2")]) == ()
    assert len(nonverbal_sounds(audio, [LINE], [Turn(1.0, 5.0, "spk1")])) == 1
    assert nonverbal_sounds(audio, [Segment("s0001", 1.0, 5.0, "spk1", "So then he left.")]) == ()


@pytest.mark.parametrize("seconds", [0.06, 3.6])
def test_a_click_and_a_long_noise_are_left_out(seconds: float) -> None:
    words = (Word(0.5, 1.0, "So"), Word(6.0, 6.5, " then"))
    line = Segment("s0001", 0.5, 6.5, "spk1", "So then", words)
    assert nonverbal_sounds(recording((2.0, noise(seconds, 300, 5000, 0.05)), words=words), [line]) == ()


def test_far_from_all_speech_nothing_is_found() -> None:
    assert nonverbal_sounds(recording((7.0, laugh(0.8))), [LINE]) == ()
