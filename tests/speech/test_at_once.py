"""Parts that several threads work on give what one gives, in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import closing
from typing import cast

import pytest

from dubkit.speech.at_once import in_order


@pytest.mark.parametrize("workers", [0, 1, 2, 8])
def test_results_come_in_the_order_of_the_parts(workers: int) -> None:
    def slower_first(part: int) -> int:
        time.sleep(0.02 * (4 - part))
        return part * part

    assert list(in_order(slower_first, range(5), workers)) == [0, 1, 4, 9, 16]
    assert list(in_order(slower_first, [], workers)) == []


def test_two_parts_are_worked_on_at_the_same_time_and_never_more_than_workers() -> None:
    meet, running, most = threading.Barrier(2, timeout=20), [0], [0]
    lock = threading.Lock()

    def work(part: int) -> int:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        meet.wait()
        with lock:
            running[0] -= 1
        return part

    assert list(in_order(work, range(4), 2)) == [0, 1, 2, 3]
    assert most == [2]


def test_one_worker_is_the_thread_that_asks_and_never_works_ahead() -> None:
    threads: list[threading.Thread] = []
    results = in_order(lambda part: threads.append(threading.current_thread()), range(3), 1)
    next(results)
    assert threads == [threading.current_thread()]


def test_the_first_part_with_an_error_raises_it_and_later_ones_are_not_begun() -> None:
    begun: list[int] = []

    def work(part: int) -> int:
        begun.append(part)
        time.sleep(0.02)
        if part in (1, 2):
            raise ValueError(f"part {part}")
        return part

    results = in_order(work, range(50), 2)
    assert next(results) == 0
    with pytest.raises(ValueError, match="part 1"):
        next(results)
    assert len(begun) < 10


def test_what_was_not_begun_is_dropped_when_the_caller_stops_listening() -> None:
    begun: list[int] = []

    def work(part: int) -> int:
        begun.append(part)
        time.sleep(0.02)
        return part

    with closing(cast("Generator[int]", in_order(work, range(50), 2))) as results:
        assert next(results) == 0
    assert len(begun) < 10
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("part")]
