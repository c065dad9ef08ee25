"""The records of `--timing-debug`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dubkit.config import with_settings
from dubkit.episode.context import Context
from dubkit.progress import Silent
from dubkit.types import Adaptation, Schedule, ScheduledLine, TimingRecord
from stages.shared.timing_records import write_timing_records
from stages.speak import items as speak_items
from tests.review.test_changes import LINES, PT, make_episode, speak
from tests.review.test_texts import OFFERED


@pytest.fixture
def context(tmp_path: Path) -> Context:
    context = make_episode(tmp_path)
    lines = (
        ScheduledLine("s0001", 1000, 2000, 2000, 1000, 3000, "s0001", text=LINES[0]),
        ScheduledLine("s0002", 3900, 2300, 2530, 4000, 6000, "s0001", text=OFFERED.text, too_long_ms=110),
    )
    context.store.write_json("schedule.json", Schedule(PT, "by hand", lines), PT)
    context.store.write_json("adaptation.json", Adaptation(PT, (OFFERED,)), PT)
    return context


def write(context: Context, *, debug: bool = True) -> Path:
    settings = with_settings(context.settings, {"timing.debug": debug})
    write_timing_records(replace(context.fresh(), settings=settings), (PT,), Silent())
    return context.store.path("segments", PT)


def read(context: Context, number: int) -> TimingRecord:
    return context.store.read(f"segments/{number:04d}.json", TimingRecord, PT)


def test_each_line_has_a_record_of_how_it_came_into_its_time(context: Context) -> None:
    speak(context, "s0001")
    folder = write(context)
    assert sorted(path.name for path in folder.iterdir()) == [f"{n:04d}.json" for n in range(4)]
    first, second = read(context, 0), read(context, 1)
    assert (first.id, first.spoken, first.actions) == ("s0001", 2.0, ("asked how long it is: 2.00 s",))
    assert (second.before, second.text) == (LINES[1], OFFERED.text)
    assert (second.predicted, second.given, second.spoken, second.too_long) == (2.53, 2.3, None, 0.11)
    assert second.actions == (
        "asked how long it is: 2.53 s",
        "asked for 3 texts",
        "reworded: 0.60 s shorter",
        "moved by -0.10 s",
        "borrowed 0.10 s of the pause before",
        "borrowed 0.20 s of the pause after",
    )
    assert second.candidates == OFFERED.candidates


def test_without_the_setting_nothing_is_written_and_nothing_stays(context: Context) -> None:
    folder = write(context, debug=False)
    assert not folder.exists()
    write(context)
    (folder / "own.json").write_text("{}")
    write(context, debug=False)
    assert [path.name for path in folder.iterdir()] == ["own.json"]  # what a person put there
    (folder / "own.json").unlink()
    write(context)
    write(context, debug=False)
    assert not folder.exists()


def test_records_of_lines_that_are_no_longer_there_go(context: Context) -> None:
    folder = write(context)
    shorter = replace(context.translation, lines=context.translation.lines[:2])
    context.store.write_json("translation.json", shorter, PT)
    write(context)
    assert sorted(path.name for path in folder.iterdir()) == ["0000.json", "0001.json"]


def test_a_line_that_is_not_scheduled_yet_is_due_and_hinders_nobody(context: Context) -> None:
    times = {item.id: item.inputs[f"schedule/{item.id}"] for item in speak_items(context.fresh())}
    assert times["s0001"]
    assert times["s0003"] == ""  # such as one that kept its sound until now
    context.store.path("schedule.json", PT).unlink()
    before = {item.inputs[f"schedule/{item.id}"] for item in speak_items(context.fresh())}
    assert before == {""}  # as in a dub of an earlier version
