"""How many processor cores this process may keep busy."""

from __future__ import annotations

import os


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
