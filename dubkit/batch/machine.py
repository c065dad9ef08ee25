"""How much room this machine has now."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from dubkit.batch.rule import MB, MachineRoom
from dubkit.batch.settings import BatchSettings
from dubkit.config import Settings
from dubkit.cores import usable_cores
from dubkit.memory import free_memory


def memory_kills(counters: Path = Path("/proc/vmstat")) -> int:
    """Return how many processes this machine has killed for want of memory; 0 where it does not say."""
    with suppress(OSError, ValueError):
        for line in counters.read_text().splitlines():
            name, _, value = line.partition(" ")
            if name == "oom_kill":
                return int(value)
    return 0


def measure_room(folder: Path, limits: BatchSettings, *, slots: int | None, cards: int) -> MachineRoom:
    """Measure what is free for episodes that are written below `folder`."""
    existing = next((place for place in (folder, *folder.absolute().parents) if place.exists()), Path())
    return MachineRoom(
        slots=slots,
        cores=usable_cores(),
        memory=free_memory() - limits.spare_memory_mb * MB,
        disk=shutil.disk_usage(existing).free - limits.spare_disk_mb * MB,
        cards=cards,
    )


def held_memory(pid: int) -> int:
    """Return the bytes of memory that a process and those that it started hold."""
    total = 0
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):
                total += one.memory_info().rss
    return total


def card_count(settings: Settings) -> int:
    """Return how much work may generate at once: one piece for each graphics card, and at least one.

    Where the settings name devices, each piece uses all of them, so it is one.
    """
    cards = len(list(Path("/dev").glob("nvidia[0-9]*")))
    if cards < 2 or settings.dub.devices != "auto" or settings.device == "cpu":
        return 1
    from dubkit.engines.devices import visible_devices  # loads torch, which knows the visible devices

    return max(1, sum(name.startswith("cuda") for name in visible_devices("auto")))
