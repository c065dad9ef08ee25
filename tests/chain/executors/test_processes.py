"""Work in several processes: the same results as in one, whatever happens to a process."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dubkit.chain.executor import EXECUTORS, Execute, Workplace, chosen_executor
from dubkit.chain.executors.demand import demand_of
from dubkit.cores import limit_cores, usable_cores
from dubkit.errors import SettingError
from tests.chain.executors.episodes import artifacts, begun, errors, run_paced, settings, workers
from tests.support import guide
from tests.support.paced_stages import PACED, REFERENCE

HERE = settings("here")
TWO = settings("processes", workers=2)


def test_two_processes_leave_the_same_files_as_one(tmp_path: Path) -> None:
    plan = ["a 0", "b 0 fail", "c 0", "d 0 break", "e 0"]
    here, there = run_paced(tmp_path / "here", HERE, *plan), run_paced(tmp_path / "there", TWO, *plan)
    assert artifacts(tmp_path / "here") == artifacts(tmp_path / "there")
    assert here.stages[0].failed == there.stages[0].failed
    assert set(errors(tmp_path / "there")) == {"b", "d"}
    assert os.getpid() not in workers(tmp_path / "there")
    assert workers(tmp_path / "here") == {os.getpid()}
    assert run_paced(tmp_path / "there", TWO, "a 0").ran == {}, "a second run has nothing to do"


def test_a_process_takes_its_share_of_the_cores(tmp_path: Path) -> None:
    before = usable_cores()
    run_paced(tmp_path, TWO, "a 0 cores", "b 0 cores")
    assert os.getpid() not in workers(tmp_path)
    shares = {(tmp_path / f"cores-{item}").read_text() for item in "ab"}
    assert shares == {str(max(1, before // 2))}
    assert usable_cores() == before


def test_a_share_is_never_more_than_there_is() -> None:
    everything = usable_cores()
    try:
        limit_cores(1)
        assert usable_cores() == 1
        limit_cores(10**6)
        assert usable_cores() == everything
    finally:
        limit_cores(0)
    assert usable_cores() == everything


def test_a_killed_process_costs_only_its_running_item(tmp_path: Path) -> None:
    plan = [f"i{n} 0" for n in range(12)]
    run_paced(tmp_path / "here", HERE, *plan)
    plan[5] = "i5 0 die-once"
    outcome = run_paced(tmp_path / "there", TWO, *plan)
    assert errors(tmp_path / "there") == {}
    again = [name for name in set(begun(tmp_path / "there")) if begun(tmp_path / "there").count(name) > 1]
    assert again == ["i5"]
    assert [one.code for one in outcome.remarks] == ["device-lost"]
    assert outcome.exit_code == 0


def test_an_item_that_kills_every_process_fails_alone_and_says_so(tmp_path: Path) -> None:
    outcome = run_paced(tmp_path, TWO, "a 0", "b 0 die", "c 0", "d 0")
    assert set(outcome.stages[0].failed) == {"b"}
    assert "was killed by SIGKILL" in outcome.stages[0].failed["b"]
    assert begun(tmp_path).count("b") == 3
    assert outcome.exit_code == 3


def test_where_nothing_can_be_made_the_run_says_why_as_in_one_process(tmp_path: Path) -> None:
    plan = ["a 0 fail", "b 0 fail"]
    here, there = run_paced(tmp_path / "here", HERE, *plan), run_paced(tmp_path / "there", TWO, *plan)
    assert here.errors == there.errors
    assert artifacts(tmp_path / "here") == artifacts(tmp_path / "there")


def test_fewer_processes_than_asked_say_how_many_fit_and_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dubkit.chain.executors import processes

    notes: list[str] = []
    monkeypatch.setattr(processes, "core_count", lambda: 8)
    monkeypatch.setattr("psutil.virtual_memory", lambda: type("Memory", (), {"available": 10**9}))
    run_paced(tmp_path, settings("processes"), "a 0", "b 0", "c 0", notes=notes)
    assert notes == ["paced: 1 of 3 processes, as each takes about 0.7 GB and 1.0 GB of memory are free."]
    assert workers(tmp_path) == {os.getpid()}


def test_auto_stays_in_this_process_without_several_cards(tmp_path: Path) -> None:
    run_paced(tmp_path, settings("auto"), "a 0", "b 0")
    assert workers(tmp_path) == {os.getpid()}


def test_what_the_settings_name_is_checked() -> None:
    assert EXECUTORS.names == ("processes", "here", "ray")
    assert chosen_executor(settings("auto")).name == "processes"
    with pytest.raises(SettingError, match="must be one of auto, processes, here, ray"):
        settings("cloud")
    assert Execute().executor == "auto"


@pytest.mark.parametrize(
    ("cluster", "workers", "count", "cpus"),
    [
        ({"CPU": 4.0}, 4, 4, 0.75),
        ({"CPU": 4.0}, 2, 2, 1.0),
        ({"CPU": 1.0}, 0, 1, 0.5),
        ({"CPU": 64.0}, 0, 64, 0.9843),
    ],
)
def test_workers_never_hold_the_last_core(
    cluster: dict[str, float], workers: int, count: int, cpus: float
) -> None:
    context: Any = None
    demand = demand_of(PACED, context, cluster, workers)
    assert (demand.workers, demand.cpus) == (count, cpus)
    assert demand.workers * demand.cpus <= max(cluster["CPU"] - 1, 0.5)


def test_the_example_of_the_docs_is_a_workforce(tmp_path: Path) -> None:
    (example,) = (one for one in guide.examples() if one.module == "dubkit_threads")
    module = ModuleType(example.module)
    sys.modules[example.module] = module
    exec(example.code, vars(module))
    workforce = module.EXECUTOR.open(Workplace(HERE, REFERENCE, print))
    plan = ["a 0", "b 0 fail", "c 0"]
    run_paced(tmp_path / "threads", HERE, *plan, executor=workforce)
    assert workforce.submit(lambda: 3).result() == 3
    workforce.close()
    run_paced(tmp_path / "here", HERE, *plan)
    assert artifacts(tmp_path / "threads") == artifacts(tmp_path / "here")
