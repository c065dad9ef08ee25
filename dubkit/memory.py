"""How much memory programs can still get here: the one rule that runs, batches and servers ask."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
"""Where Linux says what a container may use."""


def free_memory(cgroup: Path = CGROUP) -> int:
    """Return the bytes of memory that programs can still get here, within the limit of a container."""
    import psutil  # type: ignore[import-untyped]

    free = int(psutil.virtual_memory().available)
    with suppress(OSError, ValueError):
        limit = int((cgroup / "memory.max").read_text())  # "max" is no limit
        used = int((cgroup / "memory.current").read_text()) - _cached(cgroup)
        free = min(free, max(0, limit - used))
    return free


def _cached(cgroup: Path) -> int:
    """Return the bytes of files kept in memory, which the container gives up when it needs them."""
    with suppress(OSError, ValueError):
        for line in (cgroup / "memory.stat").read_text().splitlines():
            name, _, value = line.partition(" ")
            if name == "inactive_file":
                return int(value)
    return 0
