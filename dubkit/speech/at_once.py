"""Parts of one piece of work by several threads, with the results in the order of the parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Part = TypeVar("Part")
Result = TypeVar("Result")


def in_order(work: Callable[[Part], Result], parts: Sequence[Part], workers: int) -> Iterator[Result]:
    """Yield the result of every part, in order; `workers` threads work ahead.

    Raises the error of the first part that has one. What was not begun then is not begun any more, nor when
    the caller stops to listen.
    """
    if workers < 2 or len(parts) < 2:
        yield from map(work, parts)
        return
    pool = ThreadPoolExecutor(min(workers, len(parts)), thread_name_prefix="part")
    try:
        for future in [pool.submit(work, part) for part in parts]:
            yield future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
