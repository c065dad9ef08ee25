"""What may run at once, and how much room there is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dubkit.batch import machine
from dubkit.batch.machine import measure_room, memory_kills
from dubkit.batch.needs import Estimator, FileFacts, open_estimator
from dubkit.batch.rule import MB, MachineRoom, RunningWork, WorkNeeds, admit
from dubkit.batch.settings import BatchSettings
from dubkit.chain import steps
from dubkit.chain.chain import Request
from dubkit.chain.executors.processes import core_count
from dubkit.config import configure
from dubkit.dubbing.clip import media
from dubkit.dubbing.diffusion import parts
from dubkit.memory import free_memory
from dubkit.studio import open_session

GB = 1000 * MB


@pytest.mark.parametrize(
    ("needs", "running", "room", "start", "why"),
    [
        (WorkNeeds(), [], MachineRoom(), True, ""),
        (WorkNeeds(GB), [RunningWork(WorkNeeds(GB), GB)], MachineRoom(memory=GB), True, ""),
        # What runs has still to take most of its memory.
        (WorkNeeds(GB), [RunningWork(WorkNeeds(GB), 0)], MachineRoom(memory=GB), False, "waits for memory"),
        (WorkNeeds(2 * GB), [], MachineRoom(memory=GB), True, "runs alone"),
        # Memory is asked first.
        (WorkNeeds(GB, GB), [RunningWork(WorkNeeds())], MachineRoom(memory=0, disk=0), False, "memory"),
        (WorkNeeds(disk=GB), [RunningWork(WorkNeeds())], MachineRoom(disk=0), False, "disk"),
        (WorkNeeds(), [RunningWork(WorkNeeds())], MachineRoom(slots=1), False, "turn"),
        (WorkNeeds(), [RunningWork(WorkNeeds())], MachineRoom(cores=1), False, "cores"),
        (WorkNeeds(cores=4), [], MachineRoom(cores=1), True, ""),
        (WorkNeeds(card=True), [RunningWork(WorkNeeds(card=True), card=0)], MachineRoom(), False, "card"),
        (WorkNeeds(), [RunningWork(WorkNeeds(card=True), card=0)], MachineRoom(), True, ""),
    ],
)
def test_the_rule(
    needs: WorkNeeds, running: list[RunningWork], room: MachineRoom, start: bool, why: str
) -> None:
    answer = admit(needs, running, room)
    assert answer.start is start
    assert why in answer.why


def test_each_card_is_given_once() -> None:
    taken = [RunningWork(WorkNeeds(card=True), card=1), RunningWork(WorkNeeds(card=True), card=0)]
    assert admit(WorkNeeds(card=True), taken, MachineRoom(cards=4)).card == 2


def test_only_a_disk_that_is_too_small_is_for_good() -> None:
    assert admit(WorkNeeds(disk=2), [], MachineRoom(disk=1)).never
    assert not admit(WorkNeeds(disk=2), [RunningWork(WorkNeeds())], MachineRoom(disk=1)).never


def test_runs_batches_and_the_generator_ask_one_rule_for_free_memory() -> None:
    assert machine.free_memory is steps.free_memory is free_memory
    assert parts.free_memory is media.free_memory is free_memory


def test_a_container_limits_the_memory(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("3000000\n")
    (tmp_path / "memory.current").write_text("2000000\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 500000\n")
    assert free_memory(tmp_path) == 1_500_000
    (tmp_path / "memory.max").write_text("max\n")
    assert free_memory(tmp_path) > 1_500_000


def test_room_is_measured_where_the_folder_will_be(tmp_path: Path) -> None:
    room = measure_room(tmp_path / "new" / "Output", BatchSettings(), slots=3, cards=1)
    assert room.slots == 3
    assert room.disk is not None
    assert room.disk > 0
    assert room.cores


def test_kills_for_want_of_memory_are_counted_where_the_system_says(tmp_path: Path) -> None:
    (tmp_path / "vmstat").write_text("nr_free_pages 1\noom_kill 7\n")
    assert memory_kills(tmp_path / "vmstat") == 7
    assert memory_kills(tmp_path / "none") == 0


def test_what_episodes_took_is_the_guess_for_the_next() -> None:
    estimator = Estimator(model_memory=0, card=False, languages=2, pace=1.0)
    first = estimator.needs(FileFacts(10 * MB, 100.0))
    assert first.disk >= 20 * MB
    estimator.learn(FileFacts(10 * MB, 100.0), 50.0, 2 * GB)
    assert estimator.needs(FileFacts(10 * MB, 100.0)).memory == 2300 * MB
    assert estimator.needs(FileFacts(10 * MB, 1100.0)).memory == 2700 * MB
    assert estimator.seconds(FileFacts(0, 200.0)) == 100.0
    assert estimator.needs(FileFacts(0, 1.0), known_peak=5 * GB).memory == 5 * GB


def test_an_episode_takes_the_cores_that_its_executor_keeps_busy(tmp_path: Path) -> None:
    def needs(**execute: object) -> WorkNeeds:
        named = {f"execute.{name}": value for name, value in execute.items()}
        made = configure({"models.cache": str(tmp_path), **named}, environment={})
        estimator = open_estimator(open_session(made.settings, tmp_path), Request(("fr",)))
        return estimator.needs(FileFacts(MB, 1.0))

    assert needs().cores == 1
    assert needs(executor="here", workers=3).cores == 1
    assert needs(executor="processes").cores == core_count()
    spread = needs(executor="processes", workers=3)
    room = MachineRoom(cores=4)
    assert admit(spread, [], room).start
    answer = admit(spread, [RunningWork(spread)], room)
    assert (answer.start, answer.why) == (False, "it waits for processor cores")


def test_an_episode_holds_a_card_only_where_its_engine_makes_clips_on_this_machine(tmp_path: Path) -> None:
    program = {"dub.command.command": f"{sys.executable} {{clip}} {{sound}} {{out}}"}
    elsewhere = {"dub.remote.addresses": "http://127.0.0.1:9", "dub.remote.token": "t" * 32}

    def needs(engine: str, until: str, **others: str) -> WorkNeeds:
        named = {"models.cache": str(tmp_path), "engine": engine, **program, **elsewhere, **others}
        session = open_session(configure(named, environment={}).settings, tmp_path)
        return open_estimator(session, Request(("fr",), until=until)).needs(FileFacts(MB, 1.0))

    here, there = needs("command", ""), needs("remote", "")
    assert (here.card, there.card) == (True, False)
    assert not needs("command", "translate").card
    assert not needs("command", "", device="cpu").card
    generating = RunningWork(here, card=0)
    assert admit(here, [generating], MachineRoom(cards=1)).why == "it waits for a graphics card"
    assert admit(there, [generating], MachineRoom(cards=1)).start
