"""Work on a Ray cluster: the same results as here, at the pace of its workers, whatever happens to one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from dubkit.chain.chain import Chain, Request
from dubkit.chain.executor import open_executor
from dubkit.chain.executors import turns
from dubkit.chain.executors.demand import Demand
from dubkit.chain.run import execute
from dubkit.errors import SettingError
from dubkit.progress import Silent, Speeds
from dubkit.remote.places import open_output
from dubkit.remote.settings import RemoteStores
from tests.chain.executors.episodes import (
    artifacts,
    begun,
    context_at,
    errors,
    run_paced,
    settings,
    workers,
)
from tests.support.paced_stages import PACED, REFERENCE, write_plan
from tests.support.s3_servers import BUCKET, KEYS, moto_server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

ray = pytest.importorskip("ray")

HERE = settings("here")


@pytest.fixture(scope="module", autouse=True)
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Start a cluster of four cores, which the two of this machine stand for: items only wait."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False, namespace="dubkit")
        yield
        ray.shutdown()


def timed(root: Path, count: int, plan: list[str]) -> float:
    """Return the seconds that some workers take, which are there already."""
    chosen = settings("ray", workers=count)
    with open_executor(chosen, REFERENCE) as executor:
        for again in range(30):  # until all have started, which takes long on a busy machine
            warm = root / f"warm{again}"
            run_paced(warm, chosen, *(f"w{n} 0.5" for n in range(4)), executor=executor)
            if len(workers(warm)) == count:
                break
        began = time.monotonic()
        run_paced(root / "paced", chosen, *plan, executor=executor)
        seconds = time.monotonic() - began
    assert len(workers(root / "paced")) == count
    return seconds


def test_four_workers_are_as_fast_as_four_and_leave_the_same_files(tmp_path: Path) -> None:
    plan = [f"i{n:02} 0.5" for n in range(24)]
    one = timed(tmp_path / "one", 1, plan)
    four = timed(tmp_path / "four", 4, plan)
    for again in range(4):  # other work on the machine can hold up some of them
        if one / four >= 3.4:
            break
        four = min(four, timed(tmp_path / f"four-{again}", 4, plan))
    print(f"one worker {one:.2f} s, four {four:.2f} s: {one / four:.2f} times")
    assert one / four >= 3.4
    assert artifacts(tmp_path / "four/paced") == artifacts(tmp_path / "one/paced")


def test_a_killed_worker_costs_only_its_running_item(tmp_path: Path) -> None:
    plan = [f"i{n:02} 0.1" for n in range(16)]
    run_paced(tmp_path / "here", HERE, *plan)
    plan[5] = "i05 0.1 die-once"
    outcome = run_paced(tmp_path / "there", settings("ray", workers=2), *plan)
    assert errors(tmp_path / "there") == {}
    left = artifacts(tmp_path / "here")
    assert artifacts(tmp_path / "there").keys() == left.keys()
    assert {name: artifacts(tmp_path / "there")[name] for name in left if "i05" not in name} == {
        name: content for name, content in left.items() if "i05" not in name
    }
    marks = begun(tmp_path / "there")
    assert [name for name in sorted(set(marks)) if marks.count(name) > 1] == ["i05"]
    assert [one.code for one in outcome.remarks] == ["device-lost"]


def test_an_item_that_kills_every_worker_fails_alone(tmp_path: Path) -> None:
    outcome = run_paced(tmp_path, settings("ray", workers=2), "a 0", "b 0 die", "c 0", "d 0 fail")
    assert set(outcome.stages[0].failed) == {"b", "d"}
    assert "died 3 times" in outcome.stages[0].failed["b"]


def test_a_folder_that_workers_do_not_see_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dubkit.chain.executors import ray as executor

    monkeypatch.setattr(executor._Marker, "__enter__", lambda self: tmp_path / "elsewhere")
    outcome = run_paced(tmp_path / "there", settings("ray", workers=2), "a 0", "b 0")
    assert "does not see" in outcome.errors[0]
    assert "same paths" in outcome.errors[0]


def _wait(seconds: float) -> None:
    time.sleep(seconds)


def test_a_run_that_waits_for_resources_says_for_what(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "WAIT_SECONDS", 1.0)
    held = ray.remote(_wait).options(num_cpus=4).remote(5)
    time.sleep(1)
    notes: list[str] = []
    run_paced(tmp_path, settings("ray", workers=2), "a 0", "b 0", notes=notes)
    ray.get(held)
    assert len(notes) == 1
    assert notes[0].startswith(
        "paced waits for the cluster: a worker needs 1 CPU, 0.7 GB of memory; free are 0 CPU"
    )
    assert errors(tmp_path) == {}


def test_any_other_job_runs_on_the_cluster() -> None:
    with open_executor(settings("ray"), REFERENCE) as executor:
        futures = [executor.submit(partial(pow, 2, n)) for n in range(4)]
        assert [future.result(60) for future in futures] == [1, 2, 4, 8]
        assert executor.submit(os.getpid).result(60) != os.getpid()


def test_a_cluster_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "is_initialized", lambda: False)

    def refuse(**_: object) -> None:
        raise ConnectionError("Could not find any running Ray instance.")

    monkeypatch.setattr(ray, "init", refuse)
    with (
        pytest.raises(SettingError, match=r"no Ray cluster answers there.*ray start --head"),
        open_executor(settings("ray"), REFERENCE),
    ):
        pass


def test_cards_and_their_memory_are_asked_for_where_nodes_say_what_they_have() -> None:
    demand = Demand(8, 1.0, 1, 38 * 10**9, 38)
    assert demand.options() == {
        "num_cpus": 1.0,
        "num_gpus": 1,
        "memory": 38 * 10**9,
        "resources": {"card_gb": 38},
    }
    said = demand.waiting("denoise", {"CPU": 4.0})
    assert "1 graphics card, 38 GB of a card" in said
    assert "0 graphics cards" in said


def test_what_a_cluster_makes_of_an_episode_in_a_store_is_sent_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    plan = [f"i{n:02} 0.1" for n in range(8)]
    run_paced(tmp_path / "here", HERE, *plan)
    with moto_server(tmp_path / "log") as server:
        stores = RemoteStores(endpoint=server.url)
        place = open_output(f"s3://{BUCKET}/ray", stores, tmp_path / "cache")
        store = place.store("there")
        chosen = settings("ray", workers=2)
        with (
            store.holding(wait=False, on_wait=lambda _: None),
            open_executor(chosen, REFERENCE) as executor,
        ):
            write_plan(store.root, *plan)
            context = replace(context_at(store.root, chosen), store=store)
            outcome = execute(Chain((PACED,)), context, Request(()), Silent(), Speeds(), executor)
        assert (outcome.ran, outcome.errors) == ({"paced": 8}, [])
        assert len(workers(store.root)) == 2
        copy = open_output(f"s3://{BUCKET}/ray", stores, tmp_path / "elsewhere").store("there")
        copy.mirror.need_below("")
    (copy.root / ".dubkit/lock").unlink()  # of this machine alone
    assert artifacts(copy.root) == artifacts(tmp_path / "here")
