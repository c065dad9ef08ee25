"""How many processor cores this process may keep busy."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class _Share:
    """What a process of several was told to take of the machine's cores; 0 is all."""

    cores = 0


def limit_cores(cores: int) -> None:
    """Take so many cores from now on, as other processes work beside this one; 0 takes all."""
    _Share.cores = cores


def usable_cores() -> int:
    """Return how many processor cores this process may use: its share where it has one, else all."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cores = here or 1
    return min(_Share.cores, cores) if _Share.cores else cores


@contextmanager
def torch_threads_kept() -> Iterator[None]:
    """Leave torch the number of threads that it has; to be held while CTranslate2 opens a network.

    Where torch is loaded already, CTranslate2 sets the number of both. Torch would then be slower on many
    cores, and add sums up in another order: the same work in another process would give other bytes.
    """
    torch = sys.modules.get("torch")
    threads = torch.get_num_threads() if torch is not None else 0
    try:
        yield
    finally:
        if torch is not None:
            torch.set_num_threads(threads)
