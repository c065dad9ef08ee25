"""The whole road of an engine with a home: installed, its weights there, it speaks a dub, and it dies."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]
from scipy.io import wavfile  # type: ignore[import-untyped]

from tests.support.paths import ROOT
from tests.support.stand_ins import PACKAGES, write_wheel

pytestmark = pytest.mark.slow

TRANSCRIPT = (
    "1\n00:00:00,500 --> 00:00:01,900\nHello there.\n\n2\n00:00:02,500 --> 00:00:04,400\nGood bye now.\n"
)

RUN = (
    *("clip.wav", "--to", "sw", "--mt-provider", "none", "--src-lang", "en", "--tts-provider", "omnivoice"),
    *("--set", "diarize.method=single", "--until", "speak", "--use", "transcript=own.srt"),
)


class Desk:
    """A folder with a clip, and an index of stand-in wheels in place of the net."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.cache, self.calls = folder, folder / "cache", folder / "calls"
        for name in ("omnivoice", "torch", "torchaudio", "transformers"):
            write_wheel(folder / "wheels", PACKAGES[name])
        noise = np.random.default_rng(0).normal(0, 2000, 5 * 16_000).astype(np.int16)
        wavfile.write(folder / "clip.wav", 16_000, noise)
        (folder / "own.srt").write_text(TRANSCRIPT)

    def dubkit(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DUBKIT_")}
        own = {
            "PYTHONPATH": str(ROOT),
            "DUBKIT_MODELS_CACHE": str(self.cache),
            "STAND_IN_CALLS": str(self.calls),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.folder / "wheels"),
            "PIP_CONFIG_FILE": os.devnull,
        }
        command = [sys.executable, "-m", "dubkit", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env={**kept, **own}, capture_output=True, text=True, timeout=300
        )

    def bring_weights(self) -> None:
        """Put weights where `dubkit models get omnivoice` would."""
        files = {"config.json": b"{}", "model.safetensors": b"none"}
        (self.cache / "omnivoice").mkdir(parents=True)
        for name, content in files.items():
            (self.cache / "omnivoice" / name).write_bytes(content)
        listed = [{"name": name, "size": len(content), "sha256": "0"} for name, content in files.items()]
        marker = {"source": "hub", "files": listed}
        (self.cache / "omnivoice/.dubkit-model.json").write_text(json.dumps(marker))

    def take(self, line: str) -> dict[str, Any]:
        takes = sorted((self.folder / f"Output/clip/sw/takes/{line}").iterdir())
        return dict(json.loads((takes[-1] / "take.json").read_text()))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """An engine that is installed and has its weights."""
    desk = Desk(tmp_path_factory.mktemp("omnivoice"))
    refused = desk.dubkit("run", *RUN)
    assert refused.returncode == 1
    assert "dubkit voices install omnivoice" in refused.stderr
    made = desk.dubkit("voices", "install", "omnivoice", "--python", sys.executable)
    assert made.returncode == 0, made.stderr
    assert "omnivoice: version 0.2.1" in made.stdout
    refused = desk.dubkit("run", *RUN)
    assert refused.returncode == 1
    assert "dubkit models get omnivoice" in refused.stderr
    desk.bring_weights()
    yield desk
    shutil.rmtree(desk.folder, ignore_errors=True)


def test_it_speaks_every_line_to_the_length_of_its_schedule(desk: Desk) -> None:
    ran = desk.dubkit("run", *RUN)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    schedule = json.loads((desk.folder / "Output/clip/sw/schedule.json").read_text())
    placed = {line["id"]: line for line in schedule["lines"]}
    for call, line in zip(
        map(json.loads, desk.calls.read_text().splitlines()), ("s0001", "s0002"), strict=True
    ):
        assert call["duration"] == pytest.approx(placed[line]["length_ms"] / 1000, abs=0.001)
        assert call["language"] == "sw"
        assert call["prompt"] is None
        take = desk.take(line)
        assert take["value"]["engine"] == "omnivoice"
        assert take["value"]["samples"] == pytest.approx(placed[line]["length_ms"] * 48, abs=0.011 * 48_000)
        assert "omnivoice==0.2.1" in take["parts"]["models"]["voice"]
    again = desk.dubkit("plan", *RUN[:-2])
    assert "Nothing to do" in again.stdout


def test_a_line_that_kills_the_engine_fails_alone(desk: Desk) -> None:
    (desk.folder / "own.srt").write_text(TRANSCRIPT.replace("Good bye now.", "Never say die."))
    ran = desk.dubkit("run", *RUN)
    assert ran.returncode == 3, ran.stdout + ran.stderr
    failed = next(line for line in ran.stderr.splitlines() if line.strip().startswith("Failed:"))
    assert "OmniVoice ended while it spoke the line, twice. It said last: " in failed
    assert "CUDA out of memory" in failed
    assert desk.take("s0001")["value"]["text"] == "Hello there."


def test_the_doctor_shows_it(desk: Desk) -> None:
    checks = {check["name"]: check for check in json.loads(desk.dubkit("doctor", "--json").stdout)}
    assert checks["voice: omnivoice"]["ok"]
    assert checks["voice: piper"]["ok"] is None
    assert "dubkit voices install piper" in checks["voice: piper"]["cure"]


def test_a_sound_that_is_spoken_is_read_back_whole(desk: Desk) -> None:
    samples, rate = soundfile.read(desk.folder / "Output/clip/sw/takes/s0001/v001/speech.wav")
    assert rate == 48_000
    assert np.abs(samples).max() == pytest.approx(0.4, abs=0.02)
