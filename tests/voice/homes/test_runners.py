"""Each runner calls its package as the package wants to be called, and gives the sound that comes back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]

from dubkit.voice.homes.home import RUNNERS
from tests.support.stand_ins import unpack

LINE = {
    "id": 1,
    "text": "Bom dia.",
    "voice": "",
    "language": "pt",
    "speed": 1.0,
    "seconds": None,
    "reference": None,
    "delivery": None,
    "seed": None,
}


VARIABLES = {"HF_HUB_OFFLINE": "1"}


class Desk:
    """Stand-in packages in a folder, and what they were asked."""

    def __init__(self, folder: Path, *packages: str) -> None:
        self.folder = folder
        self.site = unpack(folder / "site", *packages)
        self.sound = folder / "line.wav"
        self.calls = folder / "calls"
        self.reference = folder / "ana.wav"
        soundfile.write(self.reference, np.zeros(8000), 8000)

    def start(self, module: str, options: dict[str, Any] | str) -> subprocess.Popen[str]:
        """Start a runner that sees the stand-ins."""
        environment = {**os.environ, "PYTHONPATH": str(self.site), "STAND_IN_CALLS": str(self.calls)}
        whole = {"weights": "", "device": "", "variables": VARIABLES}
        given = options if isinstance(options, str) else json.dumps({**whole, **options})
        command = [sys.executable, str(RUNNERS / "serve.py"), module, given]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def run(self, module: str, options: dict[str, Any] | str, *lines: dict[str, Any]) -> list[Any]:
        """Run a runner with some lines; return its answers."""
        process = self.start(module, options)
        assert process.stdin is not None
        assert process.stdout is not None
        for line in lines:
            process.stdin.write(json.dumps({**LINE, "out": str(self.sound), **line}) + "\n")
        process.stdin.flush()
        expected = 1 + len(lines)
        answers = [json.loads(line) for line in (process.stdout.readline() for _ in range(expected)) if line]
        process.communicate(timeout=60)
        return answers

    def asked(self) -> list[Any]:
        return [json.loads(line) for line in self.calls.read_text().splitlines()]

    def seconds(self) -> float:
        samples, rate = soundfile.read(self.sound, dtype="float32")
        assert np.abs(samples).max() == pytest.approx(0.4, abs=0.01)
        return len(samples) / rate


@pytest.fixture
def omnivoice(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path, "omnivoice", "torch")
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights/config.json").write_text("{}")
    return desk


def omnivoice_options(desk: Desk) -> dict[str, Any]:
    return {"weights": str(desk.folder / "weights"), "settings": {"steps": 16, "guidance": 2.0}}


def test_omnivoice_speaks_to_a_length_in_a_described_voice(omnivoice: Desk) -> None:
    line = {"seconds": 1.3, "voice": "male, low pitch", "seed": 4}
    answers = omnivoice.run("run_omnivoice", omnivoice_options(omnivoice), line)
    assert answers == [{"ready": True}, {"id": 1, "rate": 24000, "samples": 31200}]
    assert omnivoice.seconds() == pytest.approx(1.3)
    (call,) = omnivoice.asked()
    assert (call["language"], call["instruct"], call["duration"], call["seed"]) == (
        "pt",
        "male, low pitch",
        1.3,
        4,
    )
    assert (call["num_step"], call["postprocess_output"], call["pad_duration"]) == (16, False, 0.0)


def test_omnivoice_takes_the_voice_of_a_reference_and_not_the_described_one(omnivoice: Desk) -> None:
    line = {"voice": "male", "reference": {"file": str(omnivoice.reference), "text": "Olá."}}
    omnivoice.run("run_omnivoice", omnivoice_options(omnivoice), line, line)
    for call in omnivoice.asked():
        assert (call["prompt"], call["instruct"], call["duration"], call["speed"]) == (
            {"text": "Olá."},
            None,
            None,
            1.0,
        )


def test_omnivoice_does_not_fetch_a_recogniser_for_a_reference_without_text(omnivoice: Desk) -> None:
    line = {"reference": {"file": str(omnivoice.reference), "text": ""}}
    _, answer = omnivoice.run("run_omnivoice", omnivoice_options(omnivoice), line)
    assert "the reference has no text" in answer["error"]


def test_weights_that_are_not_there_are_fatal_and_said(omnivoice: Desk) -> None:
    options = {**omnivoice_options(omnivoice), "weights": "/nowhere"}
    assert omnivoice.run("run_omnivoice", options) == [{"fatal": "OSError: /nowhere holds no model"}]


def test_what_a_package_prints_is_no_answer(omnivoice: Desk) -> None:
    assert omnivoice.run("run_omnivoice", "--version") == [{"version": "0.2.1"}]


def test_chatterbox_speaks_more_or_less_emphatically_and_forgets_a_reference(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "chatterbox-tts", "torch")
    options = {"weights": str(tmp_path), "settings": {"emphasis": 0.5, "guidance": 0.5}}
    reference = {"reference": {"file": str(desk.reference), "text": ""}}
    loud = {"delivery": {"words": "", "pace": 1.0, "pitch": 0.0, "energy": 6.0}}
    answers = desk.run("run_chatterbox", options, reference, loud, {})
    assert [answer.get("rate") for answer in answers[1:]] == [24000] * 3
    calls = [(call["voice"], call["exaggeration"]) for call in desk.asked()]
    assert calls == [(str(desk.reference), 0.5), ("own", 1.0), ("own", 0.5)]


def test_pocket_tts_keeps_a_model_for_each_language(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "pocket-tts", "torch")
    options = {"settings": {"temperature": 0.0}}
    lines = [
        {"voice": "rafael", "language": "pt-BR"},
        {"voice": "rafael", "language": "de", "reference": {"file": str(desk.reference), "text": ""}},
        {"voice": "estelle", "language": "fr"},
        {"language": "es", "reference": {"file": str(desk.reference), "text": ""}},
    ]
    _, first, uncloned, missing, cloned = desk.run("run_pocket_tts", options, *lines)
    assert first["rate"] == cloned["rate"] == 24000
    assert "cannot clone a voice" in uncloned["error"]
    assert "the weights for french are not here" in missing["error"]
    assert "terms of kyutai/pocket-tts" in missing["error"]
    assert "More of it" not in missing["error"]
    assert [(call["language"], call["voice"]) for call in desk.asked()] == [
        ("portuguese", "rafael"),
        ("spanish", str(desk.reference)),
    ]


def test_the_end_of_the_input_ends_a_runner_even_while_it_speaks(omnivoice: Desk) -> None:
    process = omnivoice.start("run_omnivoice", omnivoice_options(omnivoice))
    assert process.stdin is not None
    assert process.stdout is not None
    assert json.loads(process.stdout.readline()) == {"ready": True}
    process.stdin.write(json.dumps({**LINE, "text": "hang", "out": str(omnivoice.sound)}) + "\n")
    process.stdin.flush()
    while not omnivoice.calls.exists():
        time.sleep(0.02)
    process.communicate(timeout=20)  # closes the input, as the end of a run does, killed or not
    assert process.returncode == 0


def test_runners_import_nothing_of_dubkit() -> None:
    for file in RUNNERS.glob("*.py"):
        assert "import dubkit" not in file.read_text("utf-8")
        assert "from dubkit" not in file.read_text("utf-8")
