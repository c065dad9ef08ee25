"""A dub in cloned voices, by an engine of another package that plays its references back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.support.persons import RATE, man, woman
from tests.support.plugins import dubkit, install
from tests.support.speech_clips import voice_weights

PARROT = """
from dubkit.voice.engine import VoiceEngine

class Parrot:
    rate = 48_000
    def speak(self, text, *, voice, language, speed, seed=None, reference=None):
        import numpy as np, soundfile
        count = round(max(0.8, len(text) / 14) / speed * self.rate)
        if reference is None:
            return (0.2 * np.sign(np.sin(np.arange(count) / 60))).astype(np.float32)
        sound, rate = soundfile.read(reference.file, dtype="float32")
        assert rate == self.rate and sound.ndim == 1 and len(reference.text) > 5
        if "xyz" in text:  # somebody else's voice
            sound = np.sin(np.arange(count) / 20).astype(np.float32) * 0.2
        return np.tile(sound, -(-count // len(sound)))[:count]

ENGINE = VoiceEngine(
    name="parrot",
    title="a bird",
    languages=lambda tag: True,
    voice_for=lambda traits, taken: f"bird{len(taken) + 1}",
    open=lambda opening: Parrot(),
    abilities=("clone",),
)
"""
SOURCE = (("spk1", man), ("spk2", woman), ("spk1", man), ("spk2", woman))
LINES = (
    "I came here early today.",
    "Nobody told me about it.",
    "So we wait for the others.",
    "That is fine.",
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source of two people, its transcript and turns, its translation, and the bird."""
    voice_weights()
    folder = tmp_path_factory.mktemp("desk")
    install(folder / "packages", "dubkit_parrot", PARROT, "parrot = dubkit_parrot:ENGINE", "dubkit.voices")
    wide = 1e-4 * np.random.default_rng(0).standard_normal(22 * RATE)
    cues, turns, spoken = [], [], []
    for number, ((speaker, voice), text) in enumerate(zip(SOURCE, LINES, strict=True)):
        first, last = 5 * number + 1, 5 * number + 5
        wide[first * RATE : last * RATE] += voice(4, seed=number)
        cues.append(f"{number + 1}\n00:00:{first:02},000 --> 00:00:{last:02},000\n{text}\n")
        spoken.append(
            f"{number + 1}\n00:00:{first:02},000 --> 00:00:{last:02},000\nLinha {number} de texto.\n"
        )
        turns.append(f"SPEAKER talk 1 {first} 4 <NA> <NA> {speaker} <NA> <NA>")
    soundfile.write(folder / "talk.wav", wide, RATE)
    (folder / "talk.en.srt").write_text("\n".join(cues))
    (folder / "talk.pt.srt").write_text("\n".join(spoken))
    (folder / "talk.rttm").write_text("\n".join(turns))
    (folder / "voices").mkdir()
    soundfile.write(folder / "voices/spk2.flac", woman(5, seed=9), RATE)
    (folder / "voices/spk2.txt").write_text("What the woman says in her recording.")
    return folder


def dub(desk: Path, output: str, *options: str) -> Any:
    uses = ("--use", "transcribe=talk.en.srt", "--use", "translate=talk.pt.srt", "--use", "diarize=talk.rttm")
    # Voices made by code sound like singing, which keeps the sound of the source.
    fixed = (
        "--set",
        "music.marks=off",
        "--set",
        "transcribe.language=en",
        "--set",
        "qc.round_trip=false",
        "--set",
        "timing.fit=false",
    )
    return dubkit(
        desk / "packages",
        "run",
        "talk.wav",
        "--to",
        "pt",
        "--output",
        output,
        *uses,
        *fixed,
        *options,
        cwd=desk,
    )


def read(desk: Path, output: str, name: str) -> Any:
    return json.loads((desk / output / "talk" / name).read_text("utf-8"))


@pytest.mark.slow
def test_each_person_speaks_the_dub_in_the_own_voice(desk: Path) -> None:
    done = dub(desk, "cloned", "--voice-mode", "clone")
    assert done.returncode == 0, done.stdout + done.stderr
    qc = read(desk, "cloned", "pt/qc.json")
    assert all(line["measures"]["voice-unlike"] > 0.85 for line in qc["lines"])
    voices = [read(desk, "cloned", f"pt/takes/s000{n}/v001/take.json")["value"]["voice"] for n in (1, 2)]
    assert voices == ["clone:spk1", "clone:spk2"]
    page = (desk / "cloned/talk/pt/report.html").read_text("utf-8")
    assert "cloned from the source at 0:" in page
    assert "cloned from a recording beside the source, 5." in page
    assert "no consent is recorded" in page
    assert "spk1: no consent is recorded." in done.stdout + done.stderr, "a note for both"
    again = dub(desk, "cloned", "--voice-mode", "clone")
    assert again.returncode == 0
    assert len(list((desk / "cloned/talk/pt/takes/s0001").iterdir())) == 1, "nothing is spoken twice"


@pytest.mark.slow
def test_strict_consent_refuses_with_exit_code_1_and_names_who_is_missing(desk: Path) -> None:
    refused = dub(desk, "strict", "--voice-mode", "clone", "--consent", "strict")
    assert refused.returncode == 1
    assert "no entry that holds today" in refused.stderr
    assert not (desk / "strict/talk/audio.wav").exists(), "before any work"
    entry = '[spk1]\nwho = "Ana Souza"\npurpose = "Season 1"\nuntil = 2999-12-31\n'
    (desk / "consent.toml").write_text(entry)
    try:
        refused = dub(desk, "strict", "--voice-mode", "clone", "--consent", "strict")
        assert refused.returncode == 1
        assert "spk2: no consent is recorded" in refused.stderr
        assert not (desk / "strict/talk/references").exists()
        assert not (desk / "strict/talk/pt/cast.json").exists()
        (desk / "consent.toml").write_text(entry + entry.replace("spk1", "spk2"))
        done = dub(desk, "strict", "--voice-mode", "clone", "--consent", "strict")
        assert done.returncode == 0, done.stdout + done.stderr
        page = (desk / "strict/talk/pt/report.html").read_text("utf-8")
        assert "consent of Ana Souza until 2999-12-31: Season 1" in page
    finally:
        (desk / "consent.toml").unlink()


@pytest.mark.slow
def test_an_engine_that_cannot_clone_is_a_degraded_fall_back_and_one_voice_is_a_choice(desk: Path) -> None:
    pytest.importorskip("espeakng_loader", reason="espeak-ng is not installed")
    done = dub(desk, "espeak", "--voice-mode", "clone", "--tts-provider", "espeak")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "cannot clone a voice" in done.stdout + done.stderr
    done = dub(desk, "single", "--voice-mode", "single", "--tts-provider", "parrot")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {speaker["voice"] for speaker in read(desk, "single", "pt/cast.json")["speakers"]} == {"bird1"}
