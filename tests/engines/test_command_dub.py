"""A whole episode whose lips a program moves: it follows speech, is put back exactly, and fails by line."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import sys
import time
from pathlib import Path

import httpx
import pytest

from benchmarks.exactness import compare
from benchmarks.killtest import contents
from benchmarks.reading import read
from tests.engines.test_command import PROGRAM
from tests.stages.test_generator_chain import SPOKEN, cut
from tests.support.clip_workers import TOKEN, ClipWorkerProcess, working
from tests.support.desks import COUNTED, UNHEARD, Desk, Shared
from tests.support.paths import SAMPLE

pytestmark = pytest.mark.slow

MIX = "Output/talk/pt-BR/mix/dub.wav"


def asked(folder: Path, mode: str) -> tuple[str, ...]:
    call = shlex.join([sys.executable, str(PROGRAM), mode])
    return (
        "talk.mp4", "--to", "pt-BR", "--use", f"transcribe={folder / 'talk.srt'}", "--speakers", "1",
        "--set", "dub.size=64", "--lipsync", "command",
        "--set", f"dub.command.command={call} {{clip}} {{sound}} {{out}}",
    )  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, shared: Shared) -> Desk:
    folder = tmp_path_factory.mktemp("finished")
    cut(SAMPLE, folder / "talk.mp4", 4)
    (folder / "talk.srt").write_text(SPOKEN)
    (folder / "dubkit.toml").write_text(UNHEARD)
    desk = Desk(folder, shared.cache)
    result = desk.run(*asked(folder, "good"), **COUNTED)
    assert result["exit_code"] == 0, result
    return desk


def test_every_line_with_a_face_follows_its_speech_and_the_episode_is_exact(finished: Desk) -> None:
    plan = finished.read("talk/pt-BR/clips.json")
    assert plan["engine"] == "command"
    assert {route["route"] for route in plan["routes"]} == {"drive"}
    picture = finished.read("talk/pt-BR/mix/picture.json")
    assert picture["dubbed"] > 0
    dub = finished.folder / "Output/talk/pt-BR/dub.mp4"
    source = finished.folder / "talk.mp4"
    measures = {m.name: m for m in compare(read(source), read(dub), language="pt-BR", identical=0.0)}
    assert all(m.ok is not False for m in measures.values()), measures
    assert measures["frames"].ok
    assert finished.run(*asked(finished.folder, "good"))["ran"] == {}


def test_a_line_that_the_program_cannot_make_is_spoken_and_marked(finished: Desk, tmp_path: Path) -> None:
    desk = finished.copy(tmp_path)
    strict = desk.dubkit("run", *asked(tmp_path, "fails"), "--strict-plugins")
    assert strict.returncode == 1
    assert "The run stops, because dub.strict_plugins (--strict-plugins) is set." in strict.stderr
    result = desk.run(*asked(tmp_path, "fails"))
    assert result["exit_code"] == 3
    (told,) = result["remarks"]
    assert (told["code"], told["where"]) == ("failed", "clip 1")
    assert "Its last words: RuntimeError: no face was found." in told["sentence"]
    assert (desk.folder / MIX).read_bytes() == (finished.folder / MIX).read_bytes(), "the line is heard"
    assert not (desk.folder / "Output/talk/pt-BR/mix/picture.json").exists(), "the picture is the source's"


def test_without_its_program_the_dub_is_spoken_and_marked(finished: Desk, tmp_path: Path) -> None:
    desk = finished.copy(tmp_path)
    words = ["wav2lip" if word == "command" else word for word in asked(tmp_path, "good")]
    strict = desk.dubkit("run", *words, "--strict-plugins")
    assert strict.returncode == 1
    assert "The engine wav2lip cannot work here: Wav2Lip was not found." in strict.stderr
    shutil.rmtree(desk.folder / "Output/talk/pt-BR/mix")
    result = desk.run(*words)
    assert result["exit_code"] == 3
    assert [told["code"] for told in result["remarks"]] == ["lips-not-moved"]
    assert (desk.folder / MIX).read_bytes() == (finished.folder / MIX).read_bytes()


def test_a_run_that_is_killed_while_the_program_works_goes_on(finished: Desk, tmp_path: Path) -> None:
    desk = finished.copy(tmp_path / "desk")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    variables = {"TMPDIR": str(scratch), "LIP_PROGRAM_SECONDS": "3"}
    with desk.start("run", *asked(desk.folder, "slow"), **variables) as run:
        while run.poll() is None and not list(scratch.glob("dubkit-clip-*/said.txt")):
            time.sleep(0.05)
        assert run.poll() is None, run.communicate()
        os.killpg(run.pid, signal.SIGKILL)
    result = desk.run(*asked(desk.folder, "slow"), **variables)
    assert (result["exit_code"], result["ran"]["render"]) == (0, 1)
    unbroken, resumed = (contents(one.folder / "Output/talk/pt-BR/mix") for one in (finished, desk))
    assert resumed == unbroken
    assert not list((desk.folder / "Output").rglob("tmp/*"))
    dub = "Output/talk/pt-BR/dub.mp4"
    assert (desk.folder / dub).read_bytes() == (finished.folder / dub).read_bytes()


def test_workers_make_the_same_episode_though_one_is_killed(finished: Desk, tmp_path: Path) -> None:
    slow = ClipWorkerProcess(tmp_path / "slow", "slow", LIP_PROGRAM_SECONDS="60")
    spare = ClipWorkerProcess(tmp_path / "spare")
    desk = finished.copy(tmp_path / "desk")
    words = ["remote" if word == "command" else word for word in asked(desk.folder, "good")]
    with working(slow, spare):
        addresses = f"dub.remote.addresses={slow.url} {spare.url}"
        with desk.start("run", *words, "--set", addresses, DUBKIT_DUB_REMOTE_TOKEN=TOKEN) as run:
            # Where the other one is asked first, the run ends before this one has anything to do.
            while run.poll() is None and not httpx.get(f"{slow.url}/health").json()["waiting"]:
                time.sleep(0.1)
            slow.end()
            out, err = run.communicate(timeout=300)
        assert run.returncode == 0, out + err
    takes = "Output/talk/pt-BR/takes"
    (made,) = (finished.folder / takes).glob("c*/v001/picture.mkv")
    newest = max((desk.folder / takes / made.parent.parent.name).glob("v*/picture.mkv"))
    assert newest.parent.name == "v002"
    assert newest.read_bytes() == made.read_bytes()
    dub = "Output/talk/pt-BR/dub.mp4"
    assert (desk.folder / dub).read_bytes() == (finished.folder / dub).read_bytes()


def test_only_names_of_such_engines_are_taken(finished: Desk) -> None:
    done = finished.dubkit("run", "talk.mp4", "--to", "pt-BR", "--lipsync", "wave")
    assert done.returncode == 2
    assert "'wave' is none of command, wav2lip, latentsync, musetalk, x-dub" in done.stderr
