"""Whole episodes through the generator with tiny random weights: noise, but every step is the real one."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from itertools import pairwise
from pathlib import Path

import av
import pytest

from benchmarks.exactness import compare
from benchmarks.reading import read
from tests.support.desks import COUNTED, UNHEARD, Desk, Shared
from tests.support.paths import SAMPLE

pytestmark = pytest.mark.slow

SPOKEN = """1
00:00:01,150 --> 00:00:01,950
Good morning,

2
00:00:02,050 --> 00:00:03,400
my name is Jordi Mas.
"""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first four seconds of the sample: two lines by a man who looks into the camera."""
    path = tmp_path_factory.mktemp("clip") / "talk.mp4"
    cut(SAMPLE, path, 4)
    return path


def cut(source: Path, target: Path, seconds: float) -> None:
    """Copy the packets of the first seconds."""
    with av.open(str(source)) as given, av.open(str(target), "w") as made:
        kept = {
            s.index: made.add_stream_from_template(s) for s in given.streams if s.type in ("audio", "video")
        }
        for packet in given.demux(list(kept and [given.streams[i] for i in kept])):
            if packet.dts is None or packet.pts * packet.time_base > seconds:
                continue
            packet.stream = kept[packet.stream.index]
            made.mux(packet)


def options(weights: Path) -> tuple[str, ...]:
    return (
        "--engine", "justdubit", "--set", f"models.generator={weights}", "--set", "dub.size=32",
        "--set", "dub.steps=2", "--set", "dub.max_frames=41", "--speakers", "1",
    )  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, shared: Shared, clip: Path, weights: Path) -> Desk:
    folder = tmp_path_factory.mktemp("finished")
    desk = Desk(folder, shared.cache)
    (folder / "dubkit.toml").write_text(UNHEARD)
    (folder / "talk.srt").write_text(SPOKEN)
    (folder / "Output").mkdir()
    use = ("--use", f"transcribe={folder / 'talk.srt'}")
    result = desk.run(clip, "--to", "pt-BR", *use, *options(weights), **COUNTED)
    assert result["exit_code"] in (0, 3), result
    assert not result["errors"], result
    return desk


@pytest.fixture
def desk(finished: Desk, tmp_path: Path) -> Desk:
    return finished.copy(tmp_path)


def edit(desk: Desk, **lines: dict[str, str]) -> None:
    (desk.folder / "Output/talk/pt-BR/edits.json").write_text(json.dumps({"lines": lines}))


def test_the_dub_has_the_frames_the_times_and_the_sound_of_the_source(finished: Desk, clip: Path) -> None:
    dub = finished.folder / "Output/talk/pt-BR/dub.mp4"
    picture = finished.read("talk/pt-BR/mix/picture.json")
    assert picture["dubbed"] > 0
    measures = {m.name: m for m in compare(read(clip), read(dub), language="pt-BR", identical=0.0)}
    assert all(m.ok is not False for m in measures.values()), measures
    assert measures["frames"].ok
    assert measures["rate"].ok


def test_every_frame_comes_from_one_place_and_untouched_ones_are_the_sources(
    finished: Desk, clip: Path
) -> None:
    picture = finished.read("talk/pt-BR/mix/picture.json")
    edges = [span[:2] for span in picture["spans"]]
    assert edges[0][0] == 0
    assert edges[-1][1] == picture["frames"]
    assert all(before[1] == after[0] for before, after in pairwise(edges))
    assert picture["identical"] + picture["recoded"] + picture["dubbed"] == picture["frames"]
    source, dub = frames(clip), frames(finished.folder / "Output/talk/pt-BR/dub.mp4")
    for first, last, origin in picture["spans"]:
        same = [source[n] == dub[n] for n in range(first, last)]
        assert all(same) if origin == "source" else not (origin.startswith("c") and all(same))


def frames(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [hash(frame.to_ndarray().tobytes()) for frame in container.decode(video=0)]


def test_clips_are_those_of_the_plan(finished: Desk) -> None:
    clips = finished.read("talk/pt-BR/clips.json")
    assert clips["engine"] == "justdubit"
    assert {line for clip in clips["clips"] for line in clip["lines"]} == {"s0001", "s0002"}
    for made in clips["clips"]:
        take = finished.read(f"talk/pt-BR/takes/{made['id']}/v001/take.json")
        assert take["value"]["frames"] == made["keep_end"] - made["keep_start"]


def test_a_second_run_does_nothing(desk: Desk, clip: Path, weights: Path) -> None:
    again = desk.run(clip, "--to", "pt-BR", *options(weights))
    assert again["ran"] == {}


def test_an_edited_line_makes_only_its_clips_again(desk: Desk, clip: Path, weights: Path) -> None:
    clips = desk.read("talk/pt-BR/clips.json")["clips"]
    own = [c["id"] for c in clips if "s0002" in c["lines"]]
    edit(desk, s0002={"text": "meu nome é Ana."})
    ran = desk.run(clip, "--to", "pt-BR", *options(weights))["ran"]
    assert "encode" not in ran
    assert ran["embed"] == ran["decode"] == len(own)
    assert ran["paste"] == ran["mix"] == ran["stitch"] == 1
    assert "translate" not in ran


APART = """1
00:00:00,300 --> 00:00:00,800
Good morning,

2
00:00:03,000 --> 00:00:03,600
Jordi Mas.
"""


def test_two_processes_generate_the_same_files_as_one(
    finished: Desk, tmp_path: Path, clip: Path, weights: Path
) -> None:
    (tmp_path / "apart.srt").write_text(APART)
    steps, left = ("encode", "denoise", "refine", "decode"), []
    for how in (("here",), ("processes", "--workers", "2")):
        (folder := tmp_path / how[0]).mkdir()
        desk = finished.copy(folder)
        used = ("--use", f"transcribe={tmp_path / 'apart.srt'}", "--until", "decode", "--executor", *how)
        ran = desk.run(clip, "--to", "pt-BR", *options(weights), *used)
        assert not ran["errors"], ran
        clips = desk.read("talk/pt-BR/clips.json")["clips"]
        assert sum(not one.get("follows") for one in clips) > 1, "one chain of clips needs one process only"
        left.append({step: results(desk.folder / "Output/talk", step) for step in steps})
        assert all(left[-1].values())
    assert left[0] == left[1]


def results(root: Path, step: str) -> dict[str, object]:
    """Return what a step made of each clip: the digests of its files, and its key."""
    records = (json.loads(path.read_bytes()) for path in sorted(root.glob(f".dubkit/items/*/{step}/*.json")))
    return {one["item"]: [one["key"], [ref["sha256"] for ref in one["files"]]] for one in records}


def test_a_new_seed_reads_and_looks_at_nothing_again(desk: Desk, clip: Path, weights: Path) -> None:
    ran = desk.run(clip, "--to", "pt-BR", *options(weights), "--set", "dub.seed=7", "--until", "decode")[
        "ran"
    ]
    assert not {"embed", "encode"} & ran.keys()
    assert ran["denoise"] == ran["refine"] == ran["decode"]


def test_another_way_of_refining_generates_nothing_again(desk: Desk, clip: Path, weights: Path) -> None:
    own = ("--set", "dub.justdubit.refine_steps=3", "--set", "dub.justdubit.refine_guidance=2.0")
    planned = desk.dubkit("plan", clip, "--to", "pt-BR", *options(weights), *own).stdout
    assert "setting changed: dub.justdubit.refine_guidance nothing → 2.0" in planned
    ran = desk.run(clip, "--to", "pt-BR", *options(weights), *own, "--until", "decode")["ran"]
    assert ran.keys() == {"refine", "decode"}
    before = desk.folder / "Output/talk/pt-BR/takes"
    enlarged = (*options(weights), "--set", "dub.justdubit.refine=false", "--until", "decode")
    assert desk.run(clip, "--to", "pt-BR", *enlarged)["ran"].keys() == {"refine", "decode"}
    assert {path.name for path in before.glob("c*/*")} == {"v001", "v002", "v003"}


def test_a_second_language_looks_at_nothing_again(desk: Desk, clip: Path, weights: Path) -> None:
    spanish = desk.folder / "es.srt"
    spanish.write_text(SPOKEN.replace("Good morning,", "Buenos días,").replace("my name is", "me llamo"))
    ran = desk.run(
        clip, "--to", "es", *options(weights), "--use", f"translate={spanish}", "--until", "denoise"
    )["ran"]
    assert "encode" not in ran
    assert ran["embed"] >= 2
    assert ran["denoise"] >= 1


def test_each_model_is_opened_once_in_a_stage(desk: Desk, clip: Path, weights: Path) -> None:
    shutil.rmtree(desk.folder / "Output/talk/dub")
    forced = [part for name in ("embed", "denoise", "refine", "decode") for part in ("--force", name)]
    done = desk.dubkit(
        "run", clip, "--to", "pt-BR", *options(weights), *forced, "--until", "decode", "--verbose", "--quiet"
    )
    opened = Counter(
        line.partition("Opening the ")[2] for line in done.stderr.splitlines() if "Opening the " in line
    )
    assert opened == {
        "text encoder on cpu": 1,
        "encoders": 1,
        "transformer of the first stage, resident": 1,
        "upscaler": 1,
        "transformer of the second stage, resident": 1,
        "decoders": 1,
    }


def test_a_line_kept_to_its_voice_is_not_generated(desk: Desk, clip: Path, weights: Path) -> None:
    edit(desk, s0001={"route": "voice"}, s0002={"route": "keep"})
    result = desk.run(clip, "--to", "pt-BR", *options(weights))
    assert desk.read("talk/pt-BR/clips.json")["clips"] == []
    assert result["ran"]["speak"] == 1
    assert frames(desk.folder / "Output/talk/pt-BR/dub.mp4") == frames(clip)


def test_going_back_to_the_voice_engine_gives_the_sources_picture(desk: Desk, clip: Path) -> None:
    desk.run(clip, "--to", "pt-BR", "--engine", "voice", "--speakers", "1")
    assert frames(desk.folder / "Output/talk/pt-BR/dub.mp4") == frames(clip)


def test_missing_weights_are_named_with_the_way_to_get_them(desk: Desk, clip: Path, weights: Path) -> None:
    fewer = desk.folder / "fewer"
    shutil.copytree(weights, fewer)
    (fewer / "ltx-2-19b-ic-lora-lipdubbing.safetensors").unlink()
    done = desk.dubkit(
        "run", clip, "--to", "pt-BR", "--engine", "justdubit", "--set", f"models.generator={fewer}"
    )
    assert done.returncode == 1
    assert "ltx-2-19b-ic-lora-lipdubbing" in done.stderr
    assert "dubkit models get ltx-2-19b-ic-lora-lipdubbing" in done.stderr


def test_auto_takes_the_voice_where_no_card_is(desk: Desk, clip: Path, weights: Path) -> None:
    if list(Path("/dev").glob("nvidia[0-9]*")):
        pytest.skip("there is a graphics card")
    fresh = desk.folder / "Fresh"
    desk.dubkit(
        "run",
        clip,
        "--to",
        "pt-BR",
        "--set",
        f"models.generator={weights}",
        "--output",
        fresh,
        "--until",
        "cast",
    )
    plan = desk.dubkit(
        "plan", clip, "--to", "pt-BR", "--set", f"models.generator={weights}", "--output", fresh
    )
    assert "denoise" not in plan.stdout


def test_a_plan_says_how_much_is_generated(desk: Desk, clip: Path, weights: Path) -> None:
    said = desk.dubkit("plan", clip, "--to", "pt-BR", *options(weights), "--set", "dub.seed=9")
    assert "PFLOP" in said.stdout
    assert "clips of" in said.stdout
