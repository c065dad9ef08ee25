"""Two episodes cut from one real call of two people: they keep names, descriptions and voices."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.desks import Desk, Shared
from tests.support.paths import MEDIA, needs_media
from tests.support.series_people import cut_call

pytestmark = [pytest.mark.slow, needs_media]


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory, shared: Shared) -> Desk:
    folder = tmp_path_factory.mktemp("call")
    cut_call(MEDIA, folder)
    (folder / "series.toml").write_text("")
    desk = Desk(folder, shared.cache)
    for name in ("ep1", "ep2"):
        run(desk, name)
    return desk


def options(name: str) -> tuple[str, ...]:
    uses = ("--use", f"diarize={name}.rttm", "--use", f"transcribe={name}.srt")
    return (f"{name}.wav", "--to", "pt-BR", "--src-lang", "it", "--no-translate", "--until", "cast", *uses)


def run(desk: Desk, name: str, *more: str) -> dict[str, Any]:
    return desk.run(*options(name), *more)


def cast(desk: Desk, name: str) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in desk.read(f"{name}/pt-BR/cast.json")["speakers"]}


def characters(desk: Desk, *arguments: str) -> str:
    done = desk.dubkit("characters", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def people(desk: Desk) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(characters(desk, "list", "--json"))
    return found


def test_the_same_two_people_keep_name_description_and_voice(call: Desk) -> None:
    assert len(people(call)) == 2
    first, second = cast(call, "ep1"), cast(call, "ep2")
    kept = ("name", "description", "voice", "guessed")
    assert [first["spk1"][k] for k in kept] == [second["spk2"][k] for k in kept]
    assert [first["spk2"][k] for k in kept] == [second["spk1"][k] for k in kept]
    assert first["spk1"]["voice"] != first["spk2"]["voice"]


def test_a_change_flows_to_the_other_episode_and_the_plan_says_why(call: Desk, tmp_path: Path) -> None:
    desk = call.copy(tmp_path)
    giovanni = cast(desk, "ep1")["spk1"]["name"]
    characters(desk, "rename", giovanni, "Giovanni", "--description", "The man on the phone")
    characters(desk, "set-voice", "Giovanni", "jm_kumo", "--to", "pt-BR")
    plan = desk.dubkit("plan", *options("ep2")).stdout
    assert "series: description of spk2" in plan
    before = cast(desk, "ep2")
    run(desk, "ep2")
    after = cast(desk, "ep2")
    assert (after["spk2"]["name"], after["spk2"]["description"]) == ("Giovanni", "The man on the phone")
    assert (after["spk2"]["voice"], after["spk2"]["guessed"]) == ("jm_kumo", False)
    assert after["spk1"]["voice"] == before["spk1"]["voice"], "nobody else changes"
    again = run(desk, "ep2")
    assert not again["ran"], "what memory gave is no reason to run again"


def test_what_people_said_in_an_episode_wins_there_and_the_difference_is_shown(
    call: Desk, tmp_path: Path
) -> None:
    desk = call.copy(tmp_path)
    (desk.folder / "cast.toml").write_text('[spk2]\nname = "Gianni"\n')  # in both: two people
    characters(desk, "rename", cast(desk, "ep1")["spk1"]["name"], "Giovanni")
    shutil.move(desk.folder / "cast.toml", desk.folder / "other.toml")
    said = run(desk, "ep2", "--set", "cast.file=other.toml")
    assert cast(desk, "ep2")["spk2"]["name"] == "Gianni"
    differing = [one["sentence"] for one in said["remarks"] if one["code"] == "people-differ"]
    assert len(differing) == 1
    assert "'Gianni' here and 'Giovanni' in the series" in differing[0]


def test_memory_off_or_no_series_casts_as_ever_and_a_deleted_folder_is_filled_again(
    call: Desk, tmp_path: Path
) -> None:
    desk = call.copy(tmp_path)
    shutil.rmtree(desk.folder / "series" / "people")
    run(desk, "ep1")
    assert len(people(desk)) == 2, "enrolled again from the episode"
    off = run(desk, "ep2", "--voice-memory", "off")
    assert "people" not in off["ran"]
    assert {one["name"] for one in cast(desk, "ep2").values()} == {"Speaker 1", "Speaker 2"}
    (desk.folder / "series.toml").unlink()
    on = desk.dubkit("run", *options("ep2"), "--voice-memory", "on")
    assert on.returncode == 1
    assert "belongs to no series" in on.stderr
