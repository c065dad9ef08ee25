"""`dubkit qc`: measures a finished dub again, and changes nothing of it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tests.support.desks import Desk, Shared


@pytest.fixture
def desk(shared: Shared, tmp_path: Path) -> Desk:
    return shared.unheard_sample().copy(tmp_path)


def delivered(desk: Desk) -> dict[str, str]:
    folder = desk.folder / "Output" / "sample" / "pt-BR"
    files = sorted([folder / "dub.mp4", *folder.rglob("speech.wav")])
    assert len(files) > 1
    return {file.name + file.parent.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.mark.slow
def test_it_measures_again_by_new_limits_and_leaves_the_dub_alone(desk: Desk) -> None:
    before = delivered(desk)
    good = desk.dubkit("qc", "sample", "--json")
    found = json.loads(good.stdout)
    assert (good.returncode, found["to_look_at"]) == (0, [])
    assert all(line["measures"]["elsewhere"] == 0 for line in found["lines"])
    assert all("flat" in line["measures"] and "pause" in line["measures"] for line in found["lines"])
    strict = desk.dubkit("qc", "sample", "--set", "qc.flat.least=40", "--set", "qc.flat.source=0.1")
    assert strict.returncode == 3, strict.stderr
    assert "Flat" in strict.stdout
    assert "semitones" in strict.stdout
    off = desk.dubkit(
        "qc",
        "sample",
        "--set",
        "qc.flat.least=40",
        "--set",
        "qc.flat.source=0.1",
        "--set",
        "qc.flat.on=false",
    )
    assert off.returncode == 0, off.stdout
    assert "4 lines measured: none wants a look." in off.stdout
    assert delivered(desk) == before


def test_what_is_no_episode_is_said(tmp_path: Path) -> None:
    done = Desk(tmp_path, tmp_path / "cache").dubkit("qc", "nothing")
    assert done.returncode == 1
    assert "no such episode" in done.stderr
