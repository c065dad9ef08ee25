"""A batch: what is tried again, what is left out, and that nothing is lost or done twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from dubkit.batch.journal import Journal, read_history
from dubkit.batch.rule import MB, MachineRoom
from dubkit.batch.settings import BatchSettings
from tests.support.batch_stand_in import Shown, StandIn
from tests.support.paths import ROOT

POISONED = ("ep07.mkv", "ep21.mkv", "ep50.mkv")


def report(root: Path, name: str = "season") -> dict[str, Any]:
    table: dict[str, Any] = json.loads((root / "Output" / ".batch" / name / "report.json").read_text())
    return table


def started(root: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.batch_stand_in", str(root)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def wait_until(true: Any, seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.02)


def ended(batch: StandIn) -> int:
    lines = batch.ran.read_text().splitlines() if batch.ran.exists() else []
    return sum(line.startswith("end") for line in lines)


def season(root: Path) -> StandIn:
    """Fifty episodes, three of them poisoned."""
    batch = StandIn(root)
    for number in range(1, 51):
        name = f"ep{number:02d}.mkv"
        batch.source(name, "poison" if name in POISONED else "sleep 0.05")
    return batch


def test_fifty_episodes_killed_twice_are_94_results_and_6_failures(tmp_path: Path) -> None:
    batch = season(tmp_path)
    for enough in (10, 25):
        process = started(tmp_path)
        wait_until(lambda enough=enough: ended(batch) >= enough)
        process.send_signal(signal.SIGKILL)
        process.wait()
        time.sleep(0.2)  # what it had started ends by itself
    done = {entry.id for entry in read_history(_journal(tmp_path)).episodes.values() if entry.state == "done"}
    assert done
    assert batch.run() == 1
    table = report(tmp_path)
    assert table["counts"] == {"done": 94, "failed": 6}
    assert (table["over"], table["episodes"], table["finish"]) == (True, 50, "")
    assert {Path(row["source"]).name for row in table["rows"] if row["state"] == "failed"} == set(POISONED)
    assert all(row["next_command"] for row in table["rows"] if row["state"] == "failed")
    # Only what ran while the batch was killed was begun again: at most as many as run at once, twice.
    again = [name for n in range(1, 51) if batch.begun(name := f"ep{n:02d}.mkv") > 1 and name not in POISONED]
    assert len(again) <= 8


def _journal(root: Path) -> Journal:
    return Journal(root / "Output" / ".batch" / "season" / "journal.jsonl")


def test_a_line_that_a_kill_cut_off_is_skipped(tmp_path: Path) -> None:
    batch = StandIn(tmp_path)
    batch.source("a.mkv")
    batch.run()
    with _journal(tmp_path).file.open("ab") as lines:
        lines.write(b'{"at": "2026", "kind": "ended", "epis')
    assert batch.run() == 0
    states = [entry.state for entry in read_history(_journal(tmp_path)).episodes.values()]
    assert states == ["waiting"]  # of the round that begins next
    assert b'epis\n{"at"' in _journal(tmp_path).file.read_bytes()


def test_two_batches_at_once_do_no_episode_twice(tmp_path: Path) -> None:
    batch = StandIn(tmp_path)
    for number in range(8):
        batch.source(f"ep{number}.mkv", "sleep 0.5")
    first, second = started(tmp_path), started(tmp_path)
    assert (first.wait(60), second.wait(60)) == (0, 0)
    lines = [line.split() for line in batch.ran.read_text().splitlines()]
    running: set[str] = set()
    for what, name, _ in sorted(lines, key=lambda line: float(line[2])):
        if what == "begin":
            assert name not in running
            running.add(name)
        else:
            running.discard(name)
    for name in ("season", "season-2"):
        assert report(tmp_path, name)["counts"] == {"done": 16}


def test_a_service_that_is_down_is_asked_again(tmp_path: Path) -> None:
    batch = StandIn(tmp_path)
    batch.source("a.mkv", "down 3")
    assert batch.run() == 0
    assert batch.begun("a.mkv") == 3


@pytest.mark.parametrize(
    ("does", "begun", "state"),
    [("killed 2", 2, "done"), ("memory 2", 2, "done"), ("killed 9", 3, "failed"), ("down 9", 3, "failed")],
)
def test_what_may_pass_is_tried_again_up_to_a_limit(
    tmp_path: Path, does: str, begun: int, state: str
) -> None:
    batch = StandIn(tmp_path)
    batch.source("a.mkv", does)
    batch.source("b.mkv")
    batch.run()
    assert batch.begun("a.mkv") == begun
    assert [row["state"] for row in report(tmp_path)["rows"]] == [state, state, "done", "done"]


@pytest.mark.parametrize(("until", "begun", "state"), [(2, 2, "done"), (9, 3, "degraded")])
def test_lines_that_a_service_left_out_are_made_when_it_is_back(
    tmp_path: Path, until: int, begun: int, state: str
) -> None:
    batch = StandIn(tmp_path)
    batch.source("a.mkv", f"partly {until}")
    assert batch.run() == (0 if state == "done" else 3)
    assert batch.begun("a.mkv") == begun
    assert report(tmp_path)["counts"] == {state: 2}


@pytest.mark.parametrize("does", ["poison", "crash"])
def test_what_a_person_must_fix_is_tried_once(tmp_path: Path, does: str) -> None:
    batch = StandIn(tmp_path)
    batch.source("a.mkv", does)
    assert batch.run() == 1
    assert batch.begun("a.mkv") == 1
    (error,) = report(tmp_path)["rows"][0]["errors"]
    assert ("no sound" if does == "poison" else "ZeroDivisionError") in error


def test_an_attempt_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    batch = StandIn(tmp_path, limits=BatchSettings(attempts=1, timeout_minutes=0.5 / 60))
    batch.source("a.mkv", "hang")
    assert batch.run() == 1
    assert "the limit for one attempt" in report(tmp_path)["rows"][0]["errors"][0]


def test_a_file_that_fails_often_is_left_out_until_it_changes(tmp_path: Path) -> None:
    batch = StandIn(tmp_path)
    batch.source("a.mkv", "poison")
    for _ in range(4):
        assert batch.run() == 1
    assert batch.begun("a.mkv") == 3
    row = report(tmp_path)["rows"][0]
    assert (row["state"], row["failures"], row["errors"]) == ("quarantined", 3, ["no sound"])
    assert batch.run(again=True) == 1
    assert batch.begun("a.mkv") == 4
    batch.source("a.mkv", "sleep 0")
    assert batch.run() == 0


def test_a_service_that_is_down_puts_no_file_into_quarantine(tmp_path: Path) -> None:
    batch = StandIn(tmp_path, limits=BatchSettings(attempts=1, quarantine_after=1))
    batch.source("a.mkv", "down 3")
    assert [batch.run(), batch.run(), batch.run()] == [1, 1, 0]


def test_one_generation_runs_on_a_card_at_a_time(tmp_path: Path) -> None:
    batch, shown = StandIn(tmp_path, card=True), Shown()
    for number in range(4):
        batch.source(f"ep{number}.mkv", "sleep 0.05")
    assert batch.run(show=shown) == 0
    assert max(shown.running) == 1
    assert "it waits for a graphics card" in shown.waits


def test_memory_is_asked_first_and_what_never_fits_runs_alone(tmp_path: Path) -> None:
    batch = StandIn(tmp_path, memory=300 * MB, room=lambda: MachineRoom(slots=4, memory=100 * MB))
    shown = Shown()
    for number in range(2):  # what the first one takes is the guess for a third
        batch.source(f"ep{number}.mkv", "sleep 0.05")
    assert batch.run(show=shown) == 0
    assert max(shown.running) == 1
    assert "runs alone, because memory is short: it needs about 300 MB" in batch.told[0]


def test_a_disk_that_is_too_small_fails_the_episode_and_says_so(tmp_path: Path) -> None:
    batch = StandIn(tmp_path, room=lambda: MachineRoom(disk=-1))
    batch.source("a.mkv")
    assert batch.run() == 1
    assert "the disk has too little room" in report(tmp_path)["rows"][0]["errors"][0]
    assert batch.begun("a.mkv") == 0


def test_a_file_that_vanishes_fails_and_the_others_go_on(tmp_path: Path) -> None:
    batch = StandIn(tmp_path)
    gone = batch.source("a.mkv")
    batch.source("b.mkv", "degraded")
    sources = batch.sources()
    gone.unlink()
    assert batch.run(sources) == 1
    assert report(tmp_path)["counts"] == {"degraded": 2, "failed": 2}


def test_sources_with_one_name_get_their_folders_in_order(tmp_path: Path) -> None:
    batch, shown = StandIn(tmp_path), Shown()
    for folder in ("s1", "s2", "s3"):
        (tmp_path / "Input" / folder).mkdir(parents=True)
        (tmp_path / "Input" / folder / "ep.mkv").write_text("sleep 0.05")
    sources = sorted((tmp_path / "Input").glob("*/ep.mkv"))
    assert batch.run(sources, show=shown) == 0
    assert max(shown.running) == 1


@pytest.mark.parametrize(("does", "times"), [("hang", 1), ("stubborn", 2)])
def test_ctrl_c_stops_softly_and_a_second_one_at_once(tmp_path: Path, does: str, times: int) -> None:
    batch = StandIn(tmp_path)
    batch.source("a.mkv", "sleep 0.01")
    batch.source("b.mkv", does)
    process = started(tmp_path)
    wait_until(lambda: ended(batch) == 1 and batch.begun("b.mkv") == 1)
    wait_until(lambda: b'"ended"' in _journal(tmp_path).file.read_bytes())
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
    assert process.wait(10) == 130  # less than the grace of a soft end
    table = report(tmp_path)
    assert [row["state"] for row in table["rows"]] == ["done", "done", "waiting", "waiting"]
    batch.source("b.mkv", "sleep 0")
    assert batch.run() == 0
    assert batch.begun("a.mkv") == 1
