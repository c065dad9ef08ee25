"""Best of several takes in whole dubs: an engine with bad seeds, asked by the command line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.stages.test_generator_chain import SPOKEN, cut
from tests.support.desks import Desk, Shared
from tests.support.paths import ROOT, SAMPLE
from tests.support.plugins import install

pytestmark = pytest.mark.slow

MOODY = """
import os

import numpy as np

from dubkit.qc.check import Check
from dubkit.voice.engine import VoiceEngine

BAD = {None, 1}


class Voice:
    rate = 24000

    def speak(self, text, *, voice, language, speed, seed=None):
        with open(os.environ["STAND_IN_CALLS"], "a") as file:
            file.write(f"{text}|{seed}\\n")
        at = np.arange(int(0.06 * len(text) / speed * self.rate)) / self.rate
        return (0.3 * np.sin(2 * np.pi * (880 if seed in BAD else 220) * at)).astype(np.float32)


def shrill(line, _):
    return bool(np.abs(np.diff(np.sign(line.speech))).sum() / 2 > 1000 * len(line.speech) / line.rate)


ENGINE = VoiceEngine(
    name="moody", title="a moody voice", languages=lambda tag: True,
    voice_for=lambda speaker, taken: "one", open=lambda opening: Voice(),
)
CHECK = Check("shrill", "Shrill", "The voice is shrill.", line=shrill)
"""


@pytest.fixture
def desk(shared: Shared, tmp_path: Path) -> Desk:
    site = tmp_path / "site"
    points = "moody = dubkit_moody:ENGINE\n[dubkit.checks]\nshrill = dubkit_moody:CHECK"
    install(site, "dubkit_moody", MOODY, points, "dubkit.voices")
    cut(SAMPLE, tmp_path / "talk.mp4", 4)
    (tmp_path / "talk.srt").write_text(SPOKEN)
    (tmp_path / "dubkit.toml").write_text('qc.round_trip = false\n[speak]\nprovider = "moody"\n')
    desk = Desk(tmp_path, shared.cache)
    path = os.pathsep.join([str(site), str(ROOT)])
    desk.variables |= {"PYTHONPATH": path, "STAND_IN_CALLS": str(tmp_path / "calls")}
    return desk


def test_lines_with_a_bad_seed_are_rescued_within_the_budget_and_once(desk: Desk) -> None:
    request = ("talk.mp4", "--to", "pt-BR", "--takes", "4", "--take-budget", "8 calls")
    first = desk.run(*request, "--use", "transcribe=talk.srt")
    assert first["errors"] == []
    assert first["takes"]["pt-BR"]["tries"] == {"s0001": 3, "s0002": 3}
    calls = [line.rpartition("|")[2] for line in (desk.folder / "calls").read_text().split("\n") if line]
    further = [seed for seed in calls if seed != "None"]
    assert set(further) == {"1", "2"}
    assert len(further) == first["takes"]["pt-BR"]["spent"]["calls"] <= 8
    assert not any("shrill" in line["flags"] for line in desk.read("talk/pt-BR/qc.json")["lines"])
    assert desk.run(*request)["ran"] == {}
    planned = desk.dubkit("plan", *request).stdout
    assert f"{len(further)} of 8 calls spent" in planned
