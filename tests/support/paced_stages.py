"""Stages for executors: each item takes a set time, and does what its edits say."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from dubkit.chain.stage import Item, Sink, Stage
from dubkit.cores import usable_cores
from dubkit.episode.context import Context
from dubkit.errors import DubkitError

PLAN = "plan.txt"
"""File of the episode with a line for each item: its name, the seconds that it takes, and what it does."""

PIDS = "pids"
"""Folder in which each worker leaves its process id."""


def items(context: Context) -> Sequence[Item]:
    lines = context.store.path(PLAN).read_text("utf-8").splitlines()
    rows = [line.split() for line in lines]
    return [Item(name, edits={"seconds": seconds, "act": " ".join(act)}) for name, seconds, *act in rows]


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    pids = context.store.path(PIDS)
    pids.mkdir(exist_ok=True)
    for item in items:
        (pids / f"{item.id}-{os.getpid()}-{time.monotonic_ns()}").touch()
        with sink.attempt(item.id):
            time.sleep(float(item.edits["seconds"]))
            act(context, item, item.edits["act"])
            with sink.take(item.id) as take:
                (take.folder / "made.txt").write_text(f"{item.id}\n", "utf-8")
                take.value = {"id": item.id}


def act(context: Context, item: Item, what: str) -> None:
    """Do what a line of the plan says: `fail`, `break`, `die`, `die-once`, `cores`."""
    if what == "cores":
        context.store.path(f"cores-{item.id}").write_text(str(usable_cores()))
    if what == "fail":
        raise DubkitError(f"{item.id} cannot be made.")
    if what == "break":
        raise ZeroDivisionError("a mistake in the stage")
    mark = context.store.path(f"died-{item.id}")
    if what == "die" or (what == "die-once" and not mark.exists()):
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def one_by_one(_context: Context, items: Sequence[Item]) -> list[list[Item]]:
    return [[item] for item in items]


PACED = Stage(
    name="paced",
    version=1,
    scope="episode",
    items=items,
    run=run,
    takes=True,
    apart=one_by_one,
    unit="part",
)

STAGES = {PACED.name: PACED}
"""What a worker finds a stage in by its name."""

REFERENCE = f"{__name__}:STAGES"


def write_plan(root: Path, *lines: str) -> None:
    """Write the plan of an episode folder."""
    root.mkdir(parents=True, exist_ok=True)
    (root / PLAN).write_text("\n".join(lines), "utf-8")
