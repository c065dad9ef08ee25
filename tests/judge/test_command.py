"""`dubkit judge` on real speech: a dub with a line that was taken out, beside one that is whole."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.desks import Desk, Shared
from tests.support.paths import SAMPLE


@pytest.mark.slow
def test_a_dub_without_its_first_lines_is_told_from_a_whole_one(tmp_path: Path, shared: Shared) -> None:
    broken = tmp_path / "broken.mp4"
    mute = ["-af", "volume=0:enable='between(t,0,4.5)'", "-c:v", "copy", "-c:a", "aac"]
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(SAMPLE), *mute, str(broken)], check=True)
    desk = Desk(tmp_path, shared.cache)
    page = tmp_path / "dubs.html"
    done = desk.dubkit("judge", SAMPLE, broken, "--source", SAMPLE, "--json", "--report", page)
    assert done.returncode == 3, done.stderr
    whole, cut = json.loads(done.stdout)["verdicts"]
    assert whole["tone"] == "good", whole
    silent = [line["id"] for line in cut["lines"] if "silent" in line["flags"]]
    assert silent == [line["id"] for line in cut["lines"] if line["end"] < 4.5]
    assert silent
    assert "broken.mp4" in page.read_text("utf-8")
    assert not (tmp_path / "Output").exists()


def test_a_file_that_is_not_there_is_an_error_of_the_user(tmp_path: Path) -> None:
    done = Desk(tmp_path, tmp_path / "cache").dubkit("judge", "no.mp4", "--source", SAMPLE)
    assert done.returncode == 1
    assert "no.mp4" in done.stderr
