"""Review of lip-dubbed lines: a clip is made, kept and brought back as a whole. Tiny random weights."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.stages.test_generator_chain import SPOKEN, cut, options
from tests.support.browser import launched
from tests.support.desks import UNHEARD, Desk, Shared
from tests.support.paths import SAMPLE
from tests.support.web_process import served

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

FAR = SPOKEN.replace("00:00:02,050 --> 00:00:03,400", "00:00:02,600 --> 00:00:03,400")
HOME = "Output/talk/pt-BR"


@pytest.fixture(scope="module")
def finished(weights: Path, shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Two lines of one man, each in a clip of its own; the run's settings are the episode's from then on."""
    folder = tmp_path_factory.mktemp("review")
    cut(SAMPLE, folder / "talk.mp4", 4)
    desk = Desk(folder, shared.cache)
    (folder / "dubkit.toml").write_text(UNHEARD)
    (folder / "talk.srt").write_text(FAR)
    result = desk.run("talk.mp4", "--to", "pt-BR", "--use", "transcribe=talk.srt", *options(weights))
    assert result["exit_code"] in (0, 3), result
    assert not result["errors"], result
    return desk


@pytest.fixture
def desk(finished: Desk, tmp_path: Path) -> Desk:
    return finished.copy(tmp_path)


def review(desk: Desk, *arguments: str, codes: tuple[int, ...] = (0, 3)) -> Any:
    done = desk.dubkit("review", *arguments)
    assert done.returncode in codes, done.stderr + done.stdout
    return json.loads(done.stdout) if "--json" in arguments else done.stdout + done.stderr


def clips(desk: Desk) -> dict[str, list[str]]:
    return {c["id"]: c["lines"] for c in desk.read("talk/pt-BR/clips.json")["clips"]}


def delivered(desk: Desk) -> tuple[bytes, bytes]:
    """Return the generated picture and the sound that went into the dub."""
    mix = desk.folder / HOME / "mix"
    return (mix / "picture.mp4").read_bytes(), (mix / "dub.wav").read_bytes()


def take_in_use(desk: Desk, line: str) -> str:
    return str(review(desk, "show", "talk", line, "--json")["line"]["take"])


def test_a_new_take_makes_its_own_clip_only_and_the_old_one_comes_back_whole(desk: Desk) -> None:
    before = delivered(desk)
    said = review(desk, "regen", "talk", "2", "--dry-run")
    assert "generated" in said
    assert not (desk.folder / "Output/talk/edits.jsonl").exists()
    made = review(desk, "regen", "talk", "2", "--json", "-q")
    assert made["ran"] == [{"denoise": 1, "refine": 1, "decode": 1, "speak": 1}]
    assert [(t["take"], t["seed"], t["in_use"]) for t in made["takes"]["s0002"]] == [
        ("c0002/v001", 42, False),
        ("c0002/v002", 43, True),
    ]
    rendered = set(review(desk, "render", "talk", "--json")["ran"])
    assert rendered - {"schedule"} == {"paste", "mix", "stitch", "qc"}
    assert delivered(desk) != before
    compared = desk.dubkit("review", "play", "talk", "2", "--take", "c0002/v001", "--no-open")
    assert "take c0002/v001, over the source" in compared.stderr
    assert "takes/c0002/v001/picture.mkv" in compared.stderr
    review(desk, "choose", "talk", "2", "c0002/v001")
    back = review(desk, "render", "talk", "--json")["ran"]
    assert set(back) - {"schedule"} == {"paste", "mix", "stitch", "qc"}
    assert delivered(desk) == before
    assert take_in_use(desk, "2") == "c0002/v001"


def test_a_locked_clip_stays_whatever_the_settings_are_and_follows_again_unlocked(
    desk: Desk, weights: Path
) -> None:
    review(desk, "lock", "talk", "2")
    changed = ("--set", "dub.steps=3", "--set", "dub.seed=5")
    result = desk.run("talk.mp4", "--to", "pt-BR", *options(weights), *changed, "--until", "speak")
    assert {stage: result["ran"].get(stage) for stage in ("denoise", "refine", "decode")} == {
        "denoise": 1,
        "refine": 1,
        "decode": 1,
    }
    assert (take_in_use(desk, "1"), take_in_use(desk, "2")) == ("c0001/v002", "c0002/v001")
    review(desk, "unlock", "talk", "2")
    due = review(desk, "render", "talk", "--dry-run", "--json")["will"]
    assert due["denoise"] == ["c0002"]


def test_a_line_is_not_locked_with_a_clip_that_says_something_else(desk: Desk) -> None:
    review(desk, "edit", "talk", "2", "--text", "Eu sou o Jordi.")
    assert "it says “Meu nome é Jordi Mas.”" in review(desk, "lock", "talk", "2", codes=(1,))
    review(desk, "lock", "talk", "1")


def test_a_chosen_clip_that_has_other_frames_now_fails_with_the_reason(desk: Desk) -> None:
    review(desk, "choose", "talk", "2", "c0002/v001")
    done = desk.dubkit("review", "render", "talk", "--set", "dub.handle_frames=8")
    assert done.returncode == 3
    assert "must keep take c0002/v001, but its clip has other frames now" in done.stderr
    failed = review(desk, "list", "talk", "--flagged", "--json")
    assert "s0002" in {line["id"] for line in failed}
    review(desk, "undo", "talk")
    assert review(desk, "render", "talk", "--set", "dub.handle_frames=4", "--json")["exit_code"] == 0


PLAYED = "[...document.querySelectorAll('#take-picture video')].map((one) => one.currentTime)"


def plays(page: Page, pictures: int) -> None:
    """Wait until so many pictures play; their previews are made first, which the page waits for."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        played = page.evaluate(PLAYED)
        if len(played) == pictures and min(played) > 0.02:
            return
        time.sleep(0.1)
    raise AssertionError(f"{pictures} pictures do not play: {page.evaluate(PLAYED)}")


def test_a_line_of_several_clips_has_takes_of_each_and_they_are_seen_on_the_page(
    desk: Desk, weights: Path
) -> None:
    desk.run("talk.mp4", "--to", "pt-BR", *options(weights), "--set", "dub.max_frames=17")
    made = review(desk, "regen", "talk", "2", "--json", "-q")
    several = [take["take"] for take in made["takes"]["s0002"] if take["in_use"]]
    assert len(several) > 1, "the line has several clips"
    assert all(take.endswith("/v002") for take in several), several
    assert review(desk, "show", "talk", "2", "--json")["line"]["takes"] == 2
    refused = desk.dubkit("review", "play", "talk", "2", "--take", "v001")
    assert refused.returncode == 1
    assert "Name one take" in refused.stderr
    review(desk, "choose", "talk", "2", "v001")
    takes = review(desk, "show", "talk", "2", "--json")["takes"]
    assert [t["take"] for t in takes if t["chosen"]] == [take.replace("v002", "v001") for take in several]
    with served(desk.folder, {}, **desk.variables) as server, launched(desk.folder / "screenshots") as pages:
        page = pages.open(f"{server.url}/episodes/talk/pt-BR/review")
        page.click("#row-s0002 .c-source")
        page.wait_for_selector("#line-title:has-text('Line 2')")
        page.wait_for_selector(f"#takes .take-part:has-text('Clip 1 of {len(several)}')")
        page.click(f"[data-key='play-{several[0]}']")
        plays(page, 1)
        page.click(f"[data-key='compare-{several[0]}']")
        plays(page, 2)
        muted = page.evaluate("[...document.querySelectorAll('#take-picture video')].map((one) => one.muted)")
        assert sorted(muted) == [False, True]
        pages.shoot(page, "lip-dubbed-takes")


def test_of_several_takes_of_a_clip_the_best_is_used_and_the_others_stay(desk: Desk) -> None:
    review(desk, "regen", "talk", "1", "--takes", "2", "--json")
    clip = next(name for name, lines in clips(desk).items() if "s0001" in lines)
    tries = desk.read("talk/pt-BR/best.json")["units"]["s0001"]["tries"]
    assert [one["takes"] for one in tries] == [[f"{clip}/v{n:03d}"] for n in (1, 2, 3)]
    assert all(one["marks"] for one in tries)
    takes = desk.folder / HOME / "takes" / clip
    assert sorted(folder.name for folder in takes.iterdir()) == ["v001", "v002", "v003"]
    judged = [(len(one["marks"]["s0001"]["flags"]), number) for number, one in enumerate(tries)]
    fewest = {number for count, number in judged if count == min(judged)[0]}
    assert take_in_use(desk, "1") in {f"{clip}/v{number + 1:03d}" for number in fewest}
