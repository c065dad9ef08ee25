"""A pool of processes: every job comes back once, whatever happens to the process that did it."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from dubkit.chain.executors.pool import ATTEMPTS, Pool, Tell, Worker, WorkerLost
from dubkit.engines.devices import visible_devices
from dubkit.errors import DubkitError, MediaError, SettingError
from tests.support.paths import ROOT


@dataclass(frozen=True)
class Task:
    """A job of the tests: what the worker does with it."""

    number: int
    act: str = "square"
    folder: Path | None = None


class Unpicklable:
    """An object that pickles, and cannot be read again."""

    def __reduce__(self) -> tuple[Any, ...]:
        return int, ("not a number",)


def open_worker(device: str, folder: Path | None = None) -> Worker[Task, Any]:
    if folder is not None:
        (folder / f"opened-{device}-{os.getpid()}").touch()
    if device == "broken":
        raise DubkitError("This device has no driver.")
    return partial(work, device)


def work(device: str, task: Task, tell: Tell) -> Any:
    if task.act == "square":
        return task.number**2
    if task.act == "where":
        if task.folder is not None:  # every process shall get one
            limit = time.monotonic() + 30
            while len(list(task.folder.glob("opened-*"))) < 2 and time.monotonic() < limit:
                time.sleep(0.01)
            time.sleep(0.3)
        return device, os.getpid()
    if task.act == "steps":
        for step in range(1, 4):
            tell((step, 3))
        return task.number
    if task.act == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if task.act == "die once":
        assert task.folder is not None
        if not task.folder.is_dir() or not (task.folder / "died").exists():
            task.folder.mkdir(exist_ok=True)
            (task.folder / "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return task.number**2
    if task.act == "leave":
        os._exit(3)
    if task.act == "media":
        raise MediaError(Path("clip.mp4"), "it is damaged", "Fetch it again.")
    if task.act == "end of file":
        raise EOFError("inside the worker")
    if task.act == "lambda":
        return lambda: None
    if task.act == "unreadable":
        return Unpicklable()
    if task.act == "sleep":
        assert task.folder is not None
        (task.folder / f"pid-{os.getpid()}").touch()
        time.sleep(60)
    raise ValueError(f"task {task.number}")


def run(places: list[str], tasks: list[Task], **arguments: Any) -> dict[int, Any]:
    pool: Pool[Task, Any] = Pool(places, open_worker)
    found: dict[int, Any] = {}
    for task, result in pool.results(tasks, **arguments):
        assert task.number not in found, "a job came back twice"
        found[task.number] = result
    pool.close()
    assert found.keys() == {task.number for task in tasks}
    assert multiprocessing.active_children() == []
    return found


def gone(pids: list[int], seconds: float = 10.0) -> bool:
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if not any(psutil.pid_exists(p) and psutil.Process(p).status() != "zombie" for p in pids):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("places", [["cpu"], ["cpu", "cpu"]])
def test_results_do_not_depend_on_the_number_of_processes(places: list[str]) -> None:
    assert run(places, [Task(n) for n in range(7)]) == {n: n**2 for n in range(7)}


def test_each_place_has_one_process_that_opens_its_worker_once_for_all_work(tmp_path: Path) -> None:
    pool: Pool[Task, Any] = Pool(["a", "b"], partial(open_worker, folder=tmp_path))
    tasks = [Task(n, "where", tmp_path) for n in range(4)]
    results = [*pool.results(tasks), *pool.results(tasks)]
    pool.close()
    assert len(list(tmp_path.iterdir())) == 2
    places = {result for _, result in results if not isinstance(result, Exception)}
    assert {place for place, _ in places} == {"a", "b"}
    assert len(places) == 2
    assert os.getpid() not in {pid for _, pid in places}


def test_no_more_processes_start_than_there_are_jobs(tmp_path: Path) -> None:
    pool: Pool[Task, Any] = Pool(["a", "b"], partial(open_worker, folder=tmp_path))
    assert list(pool.results([])) == []
    assert list(tmp_path.iterdir()) == []
    assert list(pool.results([Task(3)])) == [(Task(3), 9)]
    assert list(pool.results([Task(n) for n in range(4)], most=1)) == [(Task(n), n**2) for n in range(4)]
    assert len(list(tmp_path.iterdir())) == 1
    pool.close()


def test_no_place_is_an_error() -> None:
    with pytest.raises(ValueError, match="no place"):
        Pool([], open_worker)


def test_a_failed_job_comes_back_with_its_error_and_the_others_go_on() -> None:
    found = run(["cpu", "cpu"], [Task(0), Task(1, "fail"), Task(2, "media"), Task(3, "end of file"), Task(4)])
    assert (found[0], found[4]) == (0, 16)
    assert isinstance(found[1], ValueError)
    assert str(found[1]) == "task 1"
    assert isinstance(found[3], EOFError)
    # Its class takes other arguments than its message, so it cannot travel as it is; it stays the user's.
    assert isinstance(found[2], DubkitError)
    assert str(found[2]) == "clip.mp4: it is damaged.\nFetch it again."


def test_an_error_from_another_process_says_where_it_was_raised() -> None:
    found = run(["cpu", "cpu"], [Task(0), Task(1, "fail")])
    assert "in work" in "".join(found[1].__notes__)


def test_a_job_that_always_kills_its_process_is_given_up_and_the_others_go_on() -> None:
    lost: list[str] = []
    tasks = [Task(0, "die"), *(Task(n) for n in range(1, 8))]
    pool: Pool[Task, Any] = Pool(["one", "two"], open_worker, lambda place, _: lost.append(place))
    found = {task.number: result for task, result in pool.results(tasks)}
    pool.close()
    assert isinstance(found[0], WorkerLost)
    assert found[0].place in ("one", "two")
    assert f"process on {found[0].place} was killed by SIGKILL" in str(found[0])
    assert "memory" in str(found[0])
    assert [found[n] for n in range(1, 8)] == [n**2 for n in range(1, 8)]
    assert len(lost) == ATTEMPTS


def test_the_job_of_a_killed_process_runs_again(tmp_path: Path) -> None:
    assert run(["one", "two"], [Task(3, "die once", tmp_path), Task(4)]) == {3: 9, 4: 16}
    assert run(["one"], [Task(3, "die once", tmp_path / "other")]) == {3: 9}


def test_the_caller_says_what_takes_the_place_of_a_job_whose_process_died(tmp_path: Path) -> None:
    pool: Pool[Task, Any] = Pool(["one"], open_worker)
    halves = [Task(5), Task(6)]
    found = dict(pool.results([Task(0, "die"), Task(1)], again=lambda _: halves))
    pool.close()
    assert found == {Task(5): 25, Task(6): 36, Task(1): 1}


def test_when_every_process_dies_the_work_fails() -> None:
    found = run(["one", "two"], [Task(n, "leave") for n in range(3)])
    assert all(isinstance(result, WorkerLost) for result in found.values())
    assert "ended with code 3" in str(found[0])


def test_a_place_that_cannot_be_used_leaves_its_share_to_the_others() -> None:
    assert run(["broken", "cpu"], [Task(n) for n in range(4)]) == {n: n**2 for n in range(4)}


def test_where_no_place_can_be_used_every_job_says_why() -> None:
    found = run(["broken", "broken"], [Task(n) for n in range(3)])
    assert {str(result) for result in found.values()} == {"This device has no driver."}


def test_what_cannot_travel_fails_alone() -> None:
    found = run(["cpu", "cpu"], [Task(0), Task(1, "lambda"), Task(2, "unreadable"), Task(3)])
    assert (found[0], found[3]) == (0, 9)
    assert "pickle" in str(found[1])
    assert isinstance(found[2], ValueError)
    job: Any = lambda: None  # noqa: E731 - what cannot be pickled
    pool: Pool[Task, Any] = Pool(["cpu", "cpu"], open_worker)
    results = list(pool.results([job, Task(5)]))
    pool.close()
    assert {type(result) for given, result in results if given is job} <= {
        pickle.PicklingError,
        AttributeError,
    }
    assert (Task(5), 25) in results


def test_what_a_worker_tells_is_heard_in_this_process() -> None:
    told: list[tuple[int, int, int]] = []
    tasks = [Task(0, "steps"), Task(1, "steps")]
    run(["cpu", "cpu"], tasks, hear=lambda task, step: told.append((task.number, *step)))
    for number in (0, 1):
        assert [(step, of) for n, step, of in told if n == number] == [(1, 3), (2, 3), (3, 3)]


def test_nobody_needs_to_hear_what_is_told() -> None:
    assert run(["cpu"], [Task(0, "steps")]) == {0: 0}


def test_who_looks_can_end_the_work(tmp_path: Path) -> None:
    pool: Pool[Task, Any] = Pool(["cpu"], open_worker)

    def look() -> None:
        if list(tmp_path.glob("pid-*")):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(pool.results([Task(0, "sleep", tmp_path)], look=look))
    assert multiprocessing.active_children() == []
    assert dict(pool.results([Task(2)])) == {Task(2): 4}, "it can be used again"
    pool.close()


def started(folder: Path, count: int) -> list[int]:
    limit = time.monotonic() + 30
    while time.monotonic() < limit:
        pids = [int(path.name.removeprefix("pid-")) for path in folder.glob("pid-*")]
        if len(pids) == count:
            return pids
        time.sleep(0.05)
    raise AssertionError("the processes did not start")


def test_a_caller_that_stops_listening_stops_the_work(tmp_path: Path) -> None:
    tasks = [Task(0), Task(1, "sleep", tmp_path), Task(2, "sleep", tmp_path)]
    results = Pool(["cpu", "cpu"], open_worker).results(tasks)
    assert next(results)[0] == Task(0)
    pids = started(tmp_path, 1)
    assert isinstance(results, Iterator)
    results.close()  # type: ignore[attr-defined]
    assert gone(pids)
    assert multiprocessing.active_children() == []


SCRIPT = """
import sys
from pathlib import Path
from dubkit.chain.executors.pool import Pool
from tests.chain.executors.test_pool import Task, open_worker

if __name__ == "__main__":
    tasks = [Task(n, "sleep", Path(sys.argv[1])) for n in range(4)]
    for _ in Pool(["one", "two"], open_worker).results(tasks):
        pass
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_its_parent(tmp_path: Path, how: signal.Signals) -> None:
    script = tmp_path / "parent.py"
    script.write_text(SCRIPT, encoding="utf-8")
    parent = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        pids = started(tmp_path, 2)
        if how is signal.SIGINT:
            os.killpg(parent.pid, how)  # As a terminal does it: to parent and children alike.
        else:
            parent.kill()
        _, errors = parent.communicate(timeout=20)
    finally:
        parent.kill()
    assert gone(pids)
    if how is signal.SIGINT:
        assert parent.returncode == -signal.SIGINT
        assert errors.count(b"KeyboardInterrupt") == 1


def test_the_machine_without_a_graphics_card_has_a_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert visible_devices() == ["cpu"]
    assert visible_devices("cpu") == ["cpu"]
    for wrong in ("cuda", "cuda:0", "mps", "gpu", ""):
        with pytest.raises(SettingError, match="there is cpu"):
            visible_devices(wrong)


def test_auto_takes_every_graphics_card(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    assert visible_devices() == ["cuda:0", "cuda:1", "cuda:2"]
    assert visible_devices("cuda") == ["cuda:0", "cuda:1", "cuda:2"]
    assert visible_devices("cuda:2, cuda:0,cuda:2") == ["cuda:2", "cuda:0"]
    with pytest.raises(SettingError, match="cuda:3"):
        visible_devices("cuda:3")


def test_auto_takes_apples_before_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert visible_devices() == ["mps"]


WAITING = {
    "lengths of a batch": """
from dubkit.batch.lengths import LengthReader
reader = LengthReader()
reader.seconds(Path("none.mp4"))
pool = reader._pool
""",
    "jobs of an executor": """
from dubkit.chain.executor import Workplace
from dubkit.chain.executors.processes import LocalProcesses
from tests.chain.executors.episodes import settings
work = LocalProcesses(Workplace(settings("processes"), "stages:STAGES", print))
work.submit(os.getpid).result()
pool = work._others
""",
}
"""Code that leaves a pool whose process waits for work."""


@pytest.mark.parametrize("code", WAITING.values(), ids=WAITING)
def test_no_process_that_waits_for_work_outlives_a_killed_parent(code: str) -> None:
    shown = "print(*pool._processes, flush=True)\ntime.sleep(600)"
    script = f"import os, time\nfrom pathlib import Path\n{code}\n{shown}"
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        alive = [psutil.pid_exists(pid) for pid in pids]
        parent.kill()
    assert alive
    assert all(alive)
    assert gone(pids, 60.0)
