"""Lines that are spoken at the same time, each by a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

Thing = TypeVar("Thing")
Result = TypeVar("Result")


@contextmanager
def side_by_side(
    work: Callable[[Thing], Result],
    things: Sequence[Thing],
    threads: int,
    stop: Callable[[], None] | None = None,
) -> Iterator[Sequence[Callable[[], Result]]]:
    """Give, for each thing in turn, what returns the result of the work on it or raises its exception.

    A single thread works when a result is asked for, in the caller's own thread. Leaving the block before
    the end drops the work that has not begun, and calls `stop` so that the rest ends soon.
    """
    if threads <= 1:
        yield [partial(work, thing) for thing in things]
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="line")
    try:
        yield [pool.submit(work, thing).result for thing in things]
    except BaseException:
        if stop is not None:
            stop()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
