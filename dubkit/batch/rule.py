"""What may run at once: decided from what work needs and what is running, not from a count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MB = 1_000_000


@dataclass(frozen=True, slots=True)
class WorkNeeds:
    """What one piece of work, such as an episode, needs while it runs."""

    memory: int = 0
    """Bytes at its peak, as far as they can be estimated; 0 is not known."""
    disk: int = 0
    """Bytes that it writes."""
    card: bool = False
    """Whether it needs a graphics card of its own."""
    cores: int = 1


@dataclass(frozen=True, slots=True)
class RunningWork:
    """Work that runs now."""

    needs: WorkNeeds
    memory: int = 0
    """Bytes that it holds now; the rest of its needs is still to come."""
    written: int = 0
    """Bytes of its disk needs that it has written."""
    card: int | None = None
    """Number of the graphics card that it has."""


@dataclass(frozen=True, slots=True)
class MachineRoom:
    """What a machine has for work. None is not known, and no limit."""

    slots: int | None = None
    """Most pieces of work at once, whatever they need."""
    cores: int | None = None
    memory: int | None = None
    """Bytes that are free now, less what stays free for other programs."""
    disk: int | None = None
    cards: int = 1
    """Pieces of work that may have a graphics card at once."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether work may start now."""

    start: bool
    why: str = ""
    """What it waits for; or, where it starts, in what way it is alone."""
    never: bool = False
    """Whether waiting cannot help: nothing runs that could make room."""
    card: int | None = None
    """Number of the graphics card that it gets."""


def admit(needs: WorkNeeds, running: Sequence[RunningWork], room: MachineRoom) -> Admission:
    """Decide whether work may start beside what is running.

    Memory is asked before anything else. What does not fit although nothing runs starts alone, because
    waiting would not help; only a disk that is too small stops it for good.

    >>> beside = [RunningWork(WorkNeeds(memory=800 * MB), memory=300 * MB)]
    >>> admit(WorkNeeds(memory=900 * MB), beside, MachineRoom(memory=1300 * MB)).why
    'it waits for memory: it needs about 900 MB, and 800 MB are free'
    """
    free = None if room.memory is None else room.memory - sum(_to_come(one) for one in running)
    if free is not None and needs.memory > free:
        short = f"it needs about {_mb(needs.memory)}, and {_mb(free)} are free"
        if running:
            return Admission(False, f"it waits for memory: {short}")
        return _with_disk(needs, running, room, f"it runs alone, because memory is short: {short}")
    return _with_disk(needs, running, room, "")


def _with_disk(needs: WorkNeeds, running: Sequence[RunningWork], room: MachineRoom, alone: str) -> Admission:
    left = None if room.disk is None else room.disk - sum(max(0, r.needs.disk - r.written) for r in running)
    if left is not None and needs.disk > left:
        short = f"it needs about {_mb(needs.disk)}, and {_mb(left)} are free"
        return Admission(False, f"the disk has too little room: {short}", never=not running)
    if room.slots is not None and len(running) >= room.slots:
        return Admission(False, "it waits for its turn")
    if running and room.cores is not None and sum(r.needs.cores for r in running) + needs.cores > room.cores:
        return Admission(False, "it waits for processor cores")
    if not needs.card:
        return Admission(True, alone)
    taken = {one.card for one in running if one.card is not None}
    cards = [number for number in range(room.cards) if number not in taken]
    if not cards:
        return Admission(False, "it waits for a graphics card")
    return Admission(True, alone, card=cards[0])


def _to_come(work: RunningWork) -> int:
    return max(0, work.needs.memory - work.memory)


def _mb(amount: int) -> str:
    return f"{max(0, -(-amount // MB))} MB"
