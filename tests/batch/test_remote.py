"""Episodes that run on other machines: a pool of processes stands in for a cluster."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest

from dubkit.batch.child import Child, Command
from dubkit.batch.remote import LOST, RemoteChild, remote_starter
from dubkit.cli.batch_child import start_with_variables

Answer = TypeVar("Answer")


class Pool:
    """Takes jobs that pickle."""

    def __init__(self) -> None:
        self.pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))

    def submit(self, job: Callable[[], Answer]) -> Future[Answer]:
        return self.pool.submit(job)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    pool = Pool()
    yield pool
    pool.pool.shutdown(cancel_futures=True)


def start(pool: Pool, folder: Path, code: str) -> Child:
    command = Command(
        ("/bin/sh", "-c", code), folder / "a.log", folder / "a.json", variables={"SECRET_WORD": "hush"}
    )
    return remote_starter(pool, start_with_variables)(command)


def wait(child: Child) -> int:
    until = time.monotonic() + 30
    while (code := child.poll()) is None:
        assert time.monotonic() < until
        time.sleep(0.05)
    return code


def test_an_episode_runs_there_with_its_variables_and_its_log(pool: Pool, tmp_path: Path) -> None:
    assert wait(start(pool, tmp_path, "echo $SECRET_WORD; exit 3")) == 3
    assert (tmp_path / "a.log").read_text() == "hush\n"


def test_it_stops_softly_when_it_is_asked_to(pool: Pool, tmp_path: Path) -> None:
    child = start(pool, tmp_path, "trap 'exit 7' INT; while :; do sleep 0.1; done")
    while not (tmp_path / "a.log").exists():
        time.sleep(0.05)
    time.sleep(0.3)
    child.interrupt()
    assert wait(child) == 7


def test_one_that_has_run_too_long_is_ended(pool: Pool, tmp_path: Path) -> None:
    child = start(pool, tmp_path, "trap '' INT; sleep 60")
    while child.poll() is None and child.seconds < 0.3:
        time.sleep(0.05)
    child.expire()
    assert (wait(child), child.timed_out) == (-9, True)


def test_one_that_was_stopped_while_it_waited_never_begins(pool: Pool, tmp_path: Path) -> None:
    first = start(pool, tmp_path, "sleep 1")
    (tmp_path / "b").mkdir()
    second = start(pool, tmp_path / "b", "echo begun")
    second.interrupt()
    assert (wait(first), wait(second)) == (0, LOST)
    assert not (tmp_path / "b" / "a.log").exists()


def test_a_machine_that_is_lost_ends_its_episode_as_a_kill_would(tmp_path: Path) -> None:
    future: Future[tuple[int, int]] = Future()
    future.set_exception(OSError("node died"))
    child = RemoteChild(Command((), tmp_path / "log", tmp_path / "result"), future, tmp_path / "asks")
    assert child.poll() == LOST
