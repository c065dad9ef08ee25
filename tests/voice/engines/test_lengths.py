"""What each engine tells of its lengths is what it then speaks."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from dubkit.voice.engine import ENGINES, LengthTeller, VoiceOpening
from dubkit.voice.engines.durations import Around, symbol_frames
from dubkit.voice.engines.onnx_head import network_head
from dubkit.voice.trim import trimmed
from tests.support.voices import join_kokoro, needs_espeak, needs_hibari, needs_kokoro, open_engine

LINES = (
    ("pt-BR", "A cidade acordou cedo.", "jm_kumo"),
    ("de", "Er hat den letzten Zug verpasst.", "0.3*jf_nezumi+0.7*jm_kumo"),
)


@pytest.fixture(scope="module")
def kokoro_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return join_kokoro(tmp_path_factory.mktemp("kokoro"))


def _teller(name: str, folder: Path | None = None) -> LengthTeller:
    lengths = ENGINES.records[name].lengths
    assert lengths is not None
    teller = lengths(VoiceOpening(folder))
    assert teller is not None
    return teller


@needs_kokoro
def test_kokoro_speaks_as_long_as_its_durations_tell(kokoro_folder: Path) -> None:
    teller, speaker = _teller("kokoro", kokoro_folder), open_engine("kokoro", kokoro_folder)
    for (language, text, voice), speed in zip(LINES, (0.95, 1.2), strict=True):
        told = teller.seconds(text, voice=voice, language=language, speed=speed)
        sound = speaker.speak(text, voice=voice, language=language, speed=speed)
        assert told == pytest.approx(len(trimmed(sound, speaker.rate)) / speaker.rate, rel=0.08)


@needs_kokoro
def test_kokoro_tells_a_longer_time_for_a_slower_speed_and_another_for_a_seed(kokoro_folder: Path) -> None:
    teller = _teller("kokoro", kokoro_folder)
    language, text, voice = LINES[0]
    told = [
        teller.seconds(text, voice=voice, language=language, speed=speed)
        for speed in (0.8, 0.9, 1.0, 1.2, 1.4)
    ]
    assert told == sorted(told, reverse=True)
    assert len(set(told)) == len(told)
    other = teller.seconds(text, voice=voice, language=language, speed=1.0, seed=7)
    assert other != told[2]
    assert other == pytest.approx(told[2], rel=0.3)


@needs_kokoro
def test_a_network_of_another_kind_is_not_asked(kokoro_folder: Path, tmp_path: Path) -> None:
    for file in ("vocab.json", "voices.npz"):
        os.link(kokoro_folder / file, tmp_path / file)
    (tmp_path / "kokoro.onnx").write_bytes(b"no network")
    lengths = ENGINES.records["kokoro"].lengths
    assert lengths is not None
    assert lengths(VoiceOpening(tmp_path)) is None


@needs_hibari
@pytest.mark.parametrize("seed", [None, 3])
def test_hibari_speaks_as_long_as_its_durations_tell(seed: int | None) -> None:
    teller, speaker = _teller("hibari"), open_engine("hibari")
    for text in ("We talked about it for hours, and nothing changed.", "Wait here. I will be back soon."):
        told = teller.seconds(text, voice="", language="en", speed=1.1, seed=seed)
        sound = speaker.speak(text, voice="", language="en", speed=1.1, seed=seed)
        assert told == pytest.approx(len(sound) / speaker.rate, rel=0.06)


@needs_espeak
def test_espeak_tells_by_speaking() -> None:
    teller, speaker = _teller("espeak"), open_engine("espeak")
    sound = speaker.speak("Kia ora, e hoa.", voice="m3", language="mi", speed=1.2)
    told = teller.seconds("Kia ora, e hoa.", voice="m3", language="mi", speed=1.2)
    assert told == pytest.approx(len(sound) / speaker.rate, abs=0.01)
    assert teller.source == "spoken"


def test_a_network_gives_each_symbol_a_frame_at_least() -> None:
    assert symbol_frames(np.array([0.2, 2.4, 2.6], np.float32), 1.0).tolist() == [1.0, 2.0, 3.0]
    assert symbol_frames(np.array([4.0, 4.0], np.float32), 2.0).tolist() == [2.0, 2.0]


def test_silence_around_a_text_is_never_all_of_it() -> None:
    around = Around(always=10.0, opening=1.0, mark=1.0, last=1.0, short=0.0)
    assert around.speech(np.array([1, 1, 1, 1, 1], np.float32)) == 2.0
    assert around.speech(np.array([5, 30, 4, 3, 1], np.float32)) == 43 - (10 + 5 + 3 + 4)


@pytest.mark.parametrize("model", [b"", b"\x08\x09", b"\xff" * 40, b"GGUF"])
def test_what_is_no_network_is_refused(model: bytes) -> None:
    with pytest.raises(ValueError, match="it is no ONNX model"):
        network_head(model, "x")
