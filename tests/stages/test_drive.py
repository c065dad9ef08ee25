"""Whole episodes in which given speech drives the lips, with tiny random weights; every step is real."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile as sf  # type: ignore[import-untyped]

from tests.stages.test_generator_chain import cut, options
from tests.support.desks import UNHEARD, Desk, Shared
from tests.support.paths import SAMPLE

pytestmark = pytest.mark.slow

SPOKEN = """1
00:00:01,150 --> 00:00:01,950
Good morning,

2
00:00:02,050 --> 00:00:03,000
my name is Jordi Mas.

3
00:00:03,600 --> 00:00:04,200
Good night.

4
00:00:04,700 --> 00:00:05,300
Good morning.
"""
ROUTES = {"s0001": "drive", "s0002": "lipdub", "s0003": "voice", "s0004": "keep"}
EDITS = "Output/talk/pt-BR/edits.json"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "talk.mp4"
    cut(SAMPLE, path, 6)
    return path


def edit(desk: Desk, lines: Mapping[str, Mapping[str, object]]) -> None:
    file = desk.folder / EDITS
    file.parent.mkdir(parents=True, exist_ok=True)
    routes = {line: {"route": route, **lines.get(line, {})} for line, route in ROUTES.items()}
    file.write_text(json.dumps({"lines": routes}))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, shared: Shared, clip: Path, weights: Path) -> Desk:
    folder = tmp_path_factory.mktemp("finished")
    desk = Desk(folder, shared.cache)
    (folder / "dubkit.toml").write_text(UNHEARD)
    (folder / "talk.srt").write_text(SPOKEN)
    asked = "--to", "pt-BR", "--use", f"transcribe={folder / 'talk.srt'}", *options(weights)
    (folder / "Output").mkdir()
    desk.run(clip, *asked, "--until", "translate")
    edit(desk, {})
    result = desk.run(clip, *asked)
    assert result["exit_code"] in (0, 3), result
    assert not result["errors"], result
    return desk


@pytest.fixture
def desk(finished: Desk, tmp_path: Path) -> Desk:
    return finished.copy(tmp_path)


def clips_of(desk: Desk, line: str) -> list[str]:
    return [clip["id"] for clip in desk.read("talk/pt-BR/clips.json")["clips"] if line in clip["lines"]]


def test_each_line_goes_its_way(finished: Desk) -> None:
    plan = finished.read("talk/pt-BR/clips.json")
    assert {route["line"]: route["route"] for route in plan["routes"]} == ROUTES
    assert sorted(line for clip in plan["clips"] for line in clip["lines"]) == ["s0001", "s0002"]
    assert all(len(clip["lines"]) == 1 for clip in plan["clips"])
    picture = finished.read("talk/pt-BR/mix/picture.json")
    assert {span[2] for span in picture["spans"]} >= {clip["id"] for clip in plan["clips"]}


def test_the_line_is_its_own_speech_and_the_clip_was_given_it(finished: Desk) -> None:
    folder = finished.folder / "Output/talk/pt-BR"
    take = finished.read("talk/pt-BR/takes/s0001/v001/take.json")
    assert take["parts"]["stage"] == "speak"
    assert take["value"]["engine"] != "justdubit"
    speech, rate = sf.read(folder / "takes/s0001/v001/speech.wav", dtype="float32")
    (clip,) = (c for c in finished.read("talk/pt-BR/clips.json")["clips"] if "s0001" in c["lines"])
    given, given_rate = sf.read(folder / f"dub/given/{clip['id']}.wav", dtype="float32", always_2d=True)
    assert rate == given_rate == 48_000
    with av.open(str(SAMPLE)) as film:
        first = clip["start_frame"] / film.streams.video[0].average_rate
    start = take["value"]["start_sample"] - round(first * 48_000)
    assert 0 < start < len(given)
    shown = speech[: len(given) - start]
    under = given[start : start + len(shown), 0] - shown
    assert np.abs(under).max() < 0.1 * np.abs(speech).max(), "what is left is the bed"
    kept, _ = sf.read(folder / f"takes/{clip['id']}/v001/sound.wav", dtype="float32", always_2d=True)
    assert np.array_equal(kept, given)


def test_a_second_run_does_nothing(desk: Desk, clip: Path, weights: Path) -> None:
    assert desk.run(clip, "--to", "pt-BR", *options(weights))["ran"] == {}


def test_new_speech_makes_its_clips_again_and_a_new_picture_leaves_the_speech(
    desk: Desk, clip: Path, weights: Path
) -> None:
    own = len(clips_of(desk, "s0001"))
    edit(desk, {"s0001": {"text": "bom dia a todos,"}})
    ran = desk.run(clip, "--to", "pt-BR", *options(weights), "--until", "decode")["ran"]
    assert ran["drive"] == 1
    assert ran["given"] == ran["denoise"] == ran["decode"] == own
    edit(desk, {"s0001": {"text": "bom dia a todos,", "picture_seed": 7}})
    ran = desk.run(clip, "--to", "pt-BR", *options(weights), "--until", "decode")["ran"]
    assert ran == {"denoise": own, "refine": own, "decode": own}
    edit(desk, {})
    ran = desk.run(clip, "--to", "pt-BR", *options(weights))["ran"]
    assert "speak" not in ran, "the first reading comes back"
    assert "drive" not in ran
    takes = finished_takes(desk, "s0001")
    assert takes == ["v001", "v002"]


def finished_takes(desk: Desk, item: str) -> list[str]:
    return sorted(path.name for path in (desk.folder / f"Output/talk/pt-BR/takes/{item}").iterdir())


def in_use(desk: Desk, stage: str, item: str) -> set[str]:
    """Return the files that an item uses."""
    record = desk.read(f"talk/.dubkit/items/pt-BR/{stage}/{item}.json")
    return {file["path"] for file in record["files"]}


def test_another_route_and_back_brings_back_the_takes(desk: Desk, clip: Path, weights: Path) -> None:
    items = {"s0001": "speak", **dict.fromkeys(clips_of(desk, "s0001"), "decode")}
    before = {item: in_use(desk, stage, item) for item, stage in items.items()}
    edit(desk, {"s0001": {"route": "voice"}})
    ran = desk.run(clip, "--to", "pt-BR", *options(weights))["ran"]
    assert not {"mix", "embed", "denoise", "decode"} & ran.keys(), "the same is heard, the other clip stays"
    edit(desk, {})
    desk.run(clip, "--to", "pt-BR", *options(weights))
    assert {item: in_use(desk, stage, item) for item, stage in items.items()} == before


def test_a_locked_line_keeps_speech_and_picture(desk: Desk, clip: Path, weights: Path) -> None:
    done = desk.dubkit("review", "lock", "Output/talk", "1", "--to", "pt-BR")
    assert done.returncode == 0, done.stderr
    takes = desk.read("talk/pt-BR/edits.json")["lines"]["s0001"]["lock"]["takes"]
    assert [take.partition("/")[0] for take in takes] == [*clips_of(desk, "s0001"), "s0001"]
    ran = desk.run(clip, "--to", "pt-BR", *options(weights), "--set", "dub.drive=following")["ran"]
    assert not {"drive", "speak", "given", "denoise", "refine"} & ran.keys(), ran
