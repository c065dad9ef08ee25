"""Who holds an episode: never two, whatever the server ignores, and nobody for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dubkit.errors import EpisodeBusy
from dubkit.remote import claims
from dubkit.remote.claims import CLAIMS, Hold, HoldLost, read_fence
from dubkit.remote.failures import StoreError
from dubkit.remote.objects import Objects
from tests.remote.conftest import objects_at, objects_in
from tests.support.s3_servers import S3Server


def take(objects: Objects, folder: str = "", *, wait: bool = True) -> Hold:
    hold = Hold(objects, folder)
    hold.acquire(wait=wait, on_wait=lambda _: None)
    return hold


def kill(hold: Hold) -> None:
    """Leave a hold as a killed process does: nothing renews or releases it."""
    hold._end.set()


def test_runs_that_begin_at_once_hold_one_after_the_other(
    server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "SETTLE", 1.0)
    at_work, most, orders, lock = 0, 0, list[tuple[int, str]](), threading.Lock()

    def run() -> None:
        nonlocal at_work, most
        hold = take(objects_at(server.url, f"race-{server.name}"))
        with lock:
            at_work += 1
            most = max(most, at_work)
        time.sleep(0.1)
        with lock:
            at_work -= 1
            orders.append(hold.order)
        hold.release()

    runs = [threading.Thread(target=run) for _ in range(3)]
    for thread in runs:
        thread.start()
    for thread in runs:
        thread.join()
    assert (most, orders) == (1, sorted(set(orders)))


def test_without_waiting_the_holder_is_named(tmp_path: Path) -> None:
    objects = objects_in(tmp_path)
    hold = take(objects)
    with pytest.raises(EpisodeBusy, match=r"is in use by process \d+ on .*\.\nTry again when it has ended"):
        take(objects, wait=False)
    hold.release()
    take(objects, wait=False).release()


def test_numbers_grow_after_every_release(tmp_path: Path) -> None:
    objects = objects_in(tmp_path)
    numbers = []
    for _ in range(3):
        hold = take(objects)
        numbers.append(hold.number)
        hold.release()
    assert numbers == [1, 2, 3]
    assert read_fence(objects)[0] == 3
    assert len(objects.list(CLAIMS)) == 1, "the claims of runs that are over are removed"


def test_a_killed_run_is_waited_for_twice_its_lease(tmp_path: Path) -> None:
    objects = objects_in(tmp_path, lease=1.0)
    kill(take(objects))
    said, began = list[str](), time.monotonic()
    hold = Hold(objects, "")
    hold.acquire(wait=True, on_wait=said.append)
    assert 2.0 <= time.monotonic() - began < 15.0
    assert len(said) == 1
    assert "waiting. If it was killed, its hold ends in 2 s" in said[0]
    hold.release()


def test_a_killed_run_of_the_same_working_folder_is_not_waited_for(tmp_path: Path) -> None:
    objects = objects_in(tmp_path, lease=60.0)
    kill(take(objects, "folder one"))
    with pytest.raises(EpisodeBusy):
        take(objects, "folder two", wait=False)
    take(objects, "folder one", wait=False).release()


def test_a_holder_that_renews_keeps_its_hold_longer_than_a_lease(tmp_path: Path) -> None:
    objects = objects_in(tmp_path, lease=0.9)
    hold = take(objects)
    time.sleep(2.5)
    hold.check_fence()
    with pytest.raises(EpisodeBusy):
        take(objects, wait=False)
    hold.release()


def test_a_holder_that_cannot_renew_writes_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = objects_in(tmp_path, lease=0.9)
    hold = take(objects)
    monkeypatch.setattr(objects, "write", broken)
    time.sleep(1.5)
    with pytest.raises(HoldLost, match=r"lost its hold.*could not be renewed.*\n.*it resumes"):
        hold.check()


def broken(*_: object, **__: object) -> None:
    raise StoreError("out of reach")


def test_a_machine_that_slept_is_stopped_by_the_number_of_a_later_run(tmp_path: Path) -> None:
    objects = objects_in(tmp_path, lease=0.5)
    sleeper = take(objects)
    kill(sleeper)
    later = take(objects)
    sleeper._renewed = claims.steady()  # its clock stood still, so it takes its last renewal for a fresh one
    sleeper.check()
    with pytest.raises(HoldLost, match="another run has taken over"):
        sleeper.check_fence()
    later.check_fence()
    later.release()


@pytest.mark.parametrize("slow", [1, 9])
def test_a_claim_that_arrives_too_late_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slow: int
) -> None:
    objects = objects_in(tmp_path)
    monkeypatch.setattr(claims, "SETTLE", 0.2)
    write: Callable[..., object] = objects.write
    calls = 0

    def slowly(name: str, raw: bytes, **options: bool) -> object:
        nonlocal calls
        calls += 1
        if b'"waiting"' in raw and calls <= slow:
            time.sleep(0.3)
        return write(name, raw, **options)

    monkeypatch.setattr(objects, "write", slowly)
    if slow > objects.settings.attempts:
        with pytest.raises(StoreError, match="answers too slowly to take an episode safely"):
            take(objects)
        return
    hold = take(objects)
    assert list(objects.list(CLAIMS)) == [f"{CLAIMS}/0000000001-{hold.token}.json"]
    hold.release()
