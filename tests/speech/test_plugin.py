"""A recogniser and a diariser of other packages, in a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from dubkit.episode.store import read_json
from dubkit.types import WordTimes
from tests.support.plugins import dubkit, install

RECOGNISER = '''
from dataclasses import dataclass
from dubkit.settings import option
from dubkit.speech.recognition import Recognition, RecognitionEngine
from dubkit.types import Word

@dataclass(frozen=True, slots=True)
class Parrot:
    """Saying one word."""
    word: str = option("hello", "The word.", job=True)

class Bird:
    name = "parrot-1"
    def __init__(self, task):
        self.word = task.own.word
    def recognise(self, audio, spans, settings=None, on_progress=None):
        return Recognition("en", 0.9, (Word(0.5, 1.0, f" {self.word}.", 0.9),))

ENGINE = RecognitionEngine(
    name="parrot",
    title="a bird",
    hindrance=lambda task: "the bird sleeps. Wake it." if task.own.word == "hush" else "",
    identity=lambda task: "parrot-1",
    open=Bird,
    settings=Parrot,
)
'''
DIARISER = """
from dubkit.speech.diarization import DiarizationEngine
from dubkit.types import Diarization, Turn

def turns(audio, task):
    seconds = len(audio) / 16_000
    return Diarization((Turn(0.0, seconds / 2, "spk1"), Turn(seconds / 2, seconds, "spk2")), "halves", {})

ENGINE = DiarizationEngine(
    name="halves", title="halves", hindrance=lambda task: "", identity=lambda task: "halves", diarize=turns
)
"""


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    packages = tmp_path / "packages"
    install(packages, "dubkit_parrot", RECOGNISER, "parrot = dubkit_parrot:ENGINE", "dubkit.recognisers")
    install(packages, "dubkit_halves", DIARISER, "halves = dubkit_halves:ENGINE", "dubkit.diarisers")
    work = tmp_path / "work"
    work.mkdir()
    soundfile.write(work / "say.wav", np.zeros(32_000, np.float32), 16_000)
    return work


def run(desk: Path, command: str, *options: str) -> tuple[int, str]:
    named = ("--set", "transcribe.engine=parrot", "--set", "diarize.method=halves")
    until = ("--until", "transcribe") if command == "run" else ()
    asked = (command, "say.wav", "--to", "en", *named, *options, *until)
    done = dubkit(desk.parent / "packages", *asked, cwd=desk)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


def artifact(desk: Path, name: str) -> Any:
    return json.loads((desk / "Output/say" / name).read_text())


def test_both_do_the_work_and_the_recognisers_settings_enter_keys(desk: Path) -> None:
    code, said = run(desk, "run")
    assert code == 0, said
    transcript = artifact(desk, "transcript.json")
    assert [(s["text"], s["speaker"]) for s in transcript["segments"]] == [("hello.", "spk1")]
    assert transcript["model"] == "parrot-1"
    assert artifact(desk, "diarization.json")["method"] == "halves"
    _, planned = run(desk, "plan", "--set", "transcribe.parrot.word=bye")
    assert "transcribe.parrot.word" in planned
    run(desk, "run", "--set", "transcribe.parrot.word=bye")
    assert artifact(desk, "transcript.json")["segments"][0]["text"] == "bye."


def test_times_by_the_sound_cut_segments_anew_and_hear_nothing_anew(desk: Path) -> None:
    run(desk, "run", "--schedule", "off")
    assert not (desk / "Output/say/word-times.json").exists()
    heard = artifact(desk, "words.json")
    _, planned = run(desk, "plan", "--set", "transcribe.times=sound", "--schedule", "off")
    assert "times of words" in planned
    code, said = run(desk, "run", "--set", "transcribe.times=sound", "--schedule", "off")
    assert code == 0, said
    times = read_json(desk / "Output/say/word-times.json", WordTimes, cure="")
    assert (times.words, times.moved) == (1, ())  # the clip is silent, so nothing says where the word is
    assert artifact(desk, "words.json") == heard
    _, planned = run(desk, "plan", "--set", "transcribe.times=auto")
    assert "times of words" not in planned


def test_what_hinders_a_named_recogniser_is_said(desk: Path) -> None:
    code, said = run(desk, "run", "--set", "transcribe.parrot.word=hush")
    assert code == 1
    assert "transcribe.engine is 'parrot', but the bird sleeps. Wake it." in said


def test_an_engine_that_does_not_exist_is_refused_with_those_that_do(desk: Path) -> None:
    code, said = run(desk, "run", "--set", "transcribe.engine=owl")
    assert code == 1
    assert "transcribe.engine" in said
    assert "auto, faster-whisper, parrot" in said
