"""Calls that wait for others more than they compute: several at a time, their results in order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import TypeVar

Key = TypeVar("Key")
Result = TypeVar("Result")


def at_once(
    work: Iterable[tuple[Key, Callable[[], Result]]], count: int
) -> Iterator[tuple[Key, Callable[[], Result]]]:
    """Yield each key with a call that gives its result, in order, while up to `count` of them run.

    The call waits, and raises what the work raised. Threads end with the process, so that an interrupt need
    not wait for them. One at a time runs in the caller's own thread, when it is called.
    """
    if count <= 1:
        yield from work
        return
    running: deque[tuple[Key, Callable[[], Result]]] = deque()
    for key, task in work:
        running.append((key, _started(task)))
        if len(running) >= count:
            yield running.popleft()
    yield from running


def _started(task: Callable[[], Result]) -> Callable[[], Result]:
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(task())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future.result
