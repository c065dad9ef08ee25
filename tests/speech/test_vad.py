"""The speech gate: speech is found, and nothing else passes for it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from dubkit.speech import vad
from dubkit.speech.vad import VadSettings, speech_spans
from dubkit.types import ASR_RATE
from tests.support.speech_clips import clip


def tone(seconds: float, hertz: float = 440.0, level: float = 0.3) -> np.ndarray:
    time = np.arange(int(seconds * ASR_RATE)) / ASR_RATE
    return (level * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.032, 1.0, 5.0])
def test_digital_silence_is_never_speech(seconds: float) -> None:
    assert speech_spans(np.zeros(int(seconds * ASR_RATE), dtype=np.float32)) == []


def test_tones_and_noise_are_not_speech() -> None:
    noise = np.random.default_rng(0).normal(size=3 * ASR_RATE).astype(np.float32)
    assert speech_spans(tone(3)) == []
    assert speech_spans(tone(3, 120) + tone(3, 240)) == []
    assert speech_spans(0.1 * noise) == []
    assert speech_spans(1e-5 * noise) == []


def test_damaged_samples_do_not_break_the_gate() -> None:
    audio = tone(1)
    audio[100:200] = np.nan
    audio[300] = np.inf
    assert speech_spans(audio) == []


def test_stereo_sound_is_refused() -> None:
    with pytest.raises(ValueError, match="mono"):
        speech_spans(np.zeros((2, 100), dtype=np.float32))


@pytest.mark.parametrize(
    "name",
    [
        "d_odd/orig/plant_45000over1499.mp4",
        "d_odd/orig/deer_23976_1s.mp4",
        "d_odd/orig/failing_audio.mp4",
        "d_odd/orig/sar2by3.mp4",
        "d_odd/made/en_silent_audio.mp4",
    ],
)
def test_clips_without_a_voice_have_no_speech(name: str) -> None:
    assert speech_spans(clip(name)) == []


def test_spans_hold_the_spoken_sentences_in_order() -> None:
    audio = clip("a_talk/en_jordi_10s.mp4")
    spans = speech_spans(audio)
    assert len(spans) == 4
    assert spans[0] == pytest.approx((1.15, 2.1), abs=0.15)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    assert spans[-1][1] <= len(audio) / ASR_RATE


def test_a_lone_word_after_long_silence_is_found() -> None:
    spans = speech_spans(clip("a_talk/en_banana_42s_timecode.mp4"))
    assert spans[-1] == pytest.approx((39.95, 40.65), abs=0.15)


def test_music_before_speech_is_left_out() -> None:
    spans = speech_spans(clip("a_talk/en_google_paris_35s_2997.mp4"))
    assert not any(start < 20 and end > 4 for start, end in spans)


def test_quiet_recordings_are_heard_like_loud_ones() -> None:
    audio = clip("c_asr/en_jfk_11s.flac")
    loud, quiet = speech_spans(audio), speech_spans(audio * 0.02)
    assert len(quiet) == len(loud)
    assert np.abs(np.array(quiet) - np.array(loud)).max() < 0.15


def test_blocks_give_the_same_spans_as_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    audio = clip("c_asr/en_jfk_11s.flac")
    whole = speech_spans(audio)
    monkeypatch.setattr(vad, "BLOCK_SECONDS", 4)
    assert np.abs(np.array(speech_spans(audio)) - np.array(whole)).max() < 0.1


def test_padding_never_makes_neighbours_overlap() -> None:
    spans = speech_spans(clip("a_talk/en_jordi_10s.mp4"), VadSettings(pad=5.0))
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    assert spans[0][0] == 0.0


def test_impossible_settings_are_named() -> None:
    with pytest.raises(ValueError, match=r"threshold = 1\.5"):
        VadSettings(threshold=1.5)
    with pytest.raises(ValueError, match=r"pad = -1"):
        VadSettings(pad=-1)
