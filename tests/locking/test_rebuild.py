"""A dub made again from its lock: the same bytes in an empty folder, and nothing left to do there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.stages.test_generator_chain import SPOKEN, cut
from tests.support.desks import UNHEARD, Desk, Shared
from tests.support.paths import SAMPLE

pytestmark = pytest.mark.slow


def test_a_dub_is_made_again_with_the_same_bytes_in_an_empty_folder(shared: Shared, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    cut(SAMPLE, first / "talk.mp4", 4)
    (first / "talk.srt").write_text(SPOKEN)
    (first / "dubkit.toml").write_text(UNHEARD)
    desk = Desk(first, shared.cache)
    assert desk.run("talk.mp4", "--to", "pt-BR", "--use", "transcribe=talk.srt")["exit_code"] == 0
    assert desk.dubkit("review", "edit", "talk", "2", "--text", "sou o Jordi.").returncode == 0
    assert desk.dubkit("review", "render", "talk").returncode == 0
    assert desk.dubkit("lock", "talk", "--out", "talk.lock").returncode == 0

    shutil.copyfile(first / "talk.mp4", second / "talk.mp4")
    other = Desk(second, shared.cache)
    place = ("--source", "talk.mp4", "--output", "Output")
    done = other.dubkit("rebuild", first / "talk.lock", *place, "--json")
    said = json.loads(done.stdout)
    assert (done.returncode, said["differences"]) == (0, []), said
    assert [said["compared"][name] for name in ("other_key", "other_files", "missing")] == [[], [], []]
    dub = Path("Output/talk/pt-BR/dub.mp4")
    assert (second / dub).read_bytes() == (first / dub).read_bytes()
    plan = other.dubkit("plan", "talk.mp4", "--to", "pt-BR", "--set", "qc.round_trip=false", "--json")
    stages = json.loads(plan.stdout)["stages"]
    assert not any(stage["run"] or stage["waits_for"] for stage in stages)
