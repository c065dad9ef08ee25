"""Pitch: right to a few hertz, and never an octave off."""

from __future__ import annotations

import numpy as np
import pytest

from dubkit.speech import pitch
from dubkit.speech.description import describe_voice
from dubkit.speech.pitch import alone, median_pitch, pitch_contour
from dubkit.speech.vad import speech_spans
from dubkit.types import ASR_RATE
from tests.support.speech_clips import clip


def voice(hertz: float, seconds: float = 2.0, first_harmonic: float = 1.0) -> np.ndarray:
    """A pulse-like voice; `first_harmonic` scales the fundamental, which telephones cut away."""
    time = np.arange(int(seconds * ASR_RATE)) / ASR_RATE
    parts = [
        (first_harmonic if n == 1 else 1.0) / n * np.sin(2 * np.pi * hertz * n * time) for n in range(1, 12)
    ]
    return (0.1 * np.sum(parts, axis=0)).astype(np.float32)


@pytest.mark.parametrize("hertz", [75, 110, 160, 220, 330])
@pytest.mark.parametrize("first_harmonic", [1.0, 0.0])
def test_pitch_of_a_steady_voice_is_exact(hertz: float, first_harmonic: float) -> None:
    assert median_pitch(voice(hertz, first_harmonic=first_harmonic), [(0, 2)]) == pytest.approx(
        hertz, rel=0.01
    )


def test_pitch_survives_noise_and_a_slow_glide() -> None:
    rng = np.random.default_rng(1)
    audio = voice(120, 3) + 0.01 * rng.normal(size=3 * ASR_RATE).astype(np.float32)
    assert median_pitch(audio, [(0, 3)]) == pytest.approx(120, rel=0.03)


def test_nothing_voiced_has_no_pitch() -> None:
    noise = 0.1 * np.random.default_rng(0).normal(size=2 * ASR_RATE).astype(np.float32)
    assert median_pitch(noise, [(0, 2)]) == 0.0
    assert median_pitch(np.zeros(ASR_RATE, dtype=np.float32), [(0, 1)]) == 0.0
    assert median_pitch(noise, []) == 0.0
    assert median_pitch(voice(100, 0.05), [(0, 0.05)]) == 0.0
    assert median_pitch(voice(100), [(5, 6)]) == 0.0


def test_only_the_given_spans_count() -> None:
    audio = np.concatenate([voice(100), voice(250)])
    assert median_pitch(audio, [(2, 4)]) == pytest.approx(250, rel=0.02)


def test_a_woman_and_a_man_are_told_apart() -> None:
    audio = clip("b_dialog/en_katie_steve_29s.flac")
    katie, steve = median_pitch(audio, [(3.8, 11.5)]), median_pitch(audio, [(12.3, 20.5)])
    voices = sorted((katie, steve))
    assert voices[0] < 150 < 165 < voices[1]


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("a_talk/en_jordi_10s.mp4", 95, 135),
        ("a_talk/ru_contracted_10s_1080x1920_hevc.mp4", 190, 245),
        # He declaims: harmonics stand at 234, 469 and 705 Hz, so 110 Hz would be the octave error.
        ("c_asr/en_jfk_11s.flac", 220, 280),
    ],
)
def test_pitch_of_known_voices(name: str, low: float, high: float) -> None:
    audio = clip(name)
    assert low < median_pitch(audio, speech_spans(audio)) < high


def test_guesses_for_the_prompt() -> None:
    guesses = [describe_voice(hertz) for hertz in (0.0, 95.0, 160.0, 215.0, 400.0)]
    assert guesses == ["The speaker", "The man", "The speaker", "The woman", "The child"]


@pytest.mark.parametrize("hertz", [75, 110, 220, 330])
def test_without_the_network_the_periods_of_the_voice_are_measured(
    hertz: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pitch, "estimator", lambda: "periods")
    assert median_pitch(voice(hertz), [(0, 2)]) == pytest.approx(hertz, rel=0.01)
    assert median_pitch(np.zeros(ASR_RATE, dtype=np.float32), [(0, 1)]) == 0.0


def test_a_speaker_is_measured_where_nobody_else_speaks() -> None:
    assert alone([(0.0, 4.0)], [(1.0, 2.0), (1.5, 2.5), (3.5, 9.0)]) == [(0.0, 1.0), (2.5, 3.5)]
    assert alone([(0.0, 1.0)], [(0.0, 5.0)]) == [(0.0, 1.0)], "better than nothing"
    assert alone([(0.0, 1.0)], []) == [(0.0, 1.0)]


@pytest.mark.parametrize("way", ["periods", ""])
def test_a_glide_is_followed_in_time(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if way:
        monkeypatch.setattr(pitch, "estimator", lambda: way)
    time = np.arange(3 * ASR_RATE) / ASR_RATE
    hertz = 100 * 2 ** (time / 3)
    phase = 2 * np.pi * np.cumsum(hertz) / ASR_RATE
    sound = (0.1 * sum(np.sin(n * phase) / n for n in range(1, 12))).astype(np.float32)
    contour = pitch_contour(sound)
    for moment in (0.5, 1.5, 2.5):
        found = contour.hz[round(moment / contour.step)]
        assert 1200 * abs(np.log2(found / (100 * 2 ** (moment / 3)))) < 30
