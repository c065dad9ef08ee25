"""Episodes on a cluster: the executor of the settings runs their processes on other machines.

The working folder, the sources and the output folder must lie under the same paths on all of them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

from dubkit.batch.child import Child, Command, LocalChild

Answer = TypeVar("Answer")

PAUSE = 0.5
"""Seconds between two looks at what runs, and at what the batch asks."""

AT_ONCE = 64
"""Episodes that a cluster is given at once where nothing else is said; they begin as cores become free."""

INTERRUPT, KILL = "interrupt", "kill"
"""What the batch writes into the file beside the result to stop an episode."""

LOST = -9
"""Exit status of an episode whose machine was lost."""

TIDY = 40.0
"""Seconds that the batch waits for an episode that it has asked to stop; its machine may be lost."""


class Submits(Protocol):
    """What takes jobs that pickle, such as an open executor."""

    def submit(self, job: Callable[[], Answer]) -> Future[Answer]:
        """Do a job somewhere."""


@dataclass(frozen=True, slots=True)
class RemoteJob:
    """Runs the process of an episode on the machine where it is called."""

    command: Command
    folder: str
    asks: Path
    """File in which the batch asks it to stop."""
    start: Callable[[Command], LocalChild]
    """Starts the process there."""

    def __call__(self) -> tuple[int, int]:
        """Return the exit status and the most memory that it held."""
        if self.asks.exists():  # it was stopped while it waited for a core
            return LOST, 0
        os.chdir(self.folder)
        child, asked = self.start(self.command), ""
        while (code := child.poll()) is None:
            with suppress(OSError):
                said = self.asks.read_text()
                if said != asked:
                    asked = said
                    (child.kill if said == KILL else child.interrupt)()
            time.sleep(PAUSE)
        child.clear()
        return code, child.peak


@dataclass(slots=True)
class RemoteChild:
    """A running attempt on a cluster, or one that waits there for a free core."""

    command: Command
    future: Future[tuple[int, int]]
    asks: Path
    peak: int = 0
    held: int = 0
    timed_out: bool = False
    stopping: bool = False
    kills: int = 0
    _began: float = 0.0
    _asked: float = 0.0

    @property
    def seconds(self) -> float:
        """How long it has run: it begins with its log."""
        return time.monotonic() - self._began if self._began else 0.0

    def poll(self) -> int | None:
        """Return its exit status, or None while it runs or waits."""
        if not self._began and self.command.log.exists():
            self._began = time.monotonic()
        if not self.future.done():
            given_up = self._asked and time.monotonic() - self._asked > TIDY
            return LOST if given_up else None
        try:
            code, self.peak = self.future.result()
        except Exception:  # its machine was lost, or the cluster refused it: the same command may work again
            return LOST
        return code

    def interrupt(self) -> None:
        """Ask it to stop."""
        self.stopping = True
        self._ask(INTERRUPT)

    def kill(self) -> None:
        """End it at once."""
        self.stopping = True
        self._ask(KILL)

    def expire(self) -> None:
        """End it because it has run too long."""
        self.timed_out = True
        self._ask(KILL)

    def clear(self) -> None:
        """Take back what was asked."""
        self.asks.unlink(missing_ok=True)

    def _ask(self, what: str) -> None:
        self._asked = self._asked or time.monotonic()
        with suppress(OSError):
            self.asks.write_text(what)


def remote_starter(
    workforce: Submits, start_there: Callable[[Command], LocalChild]
) -> Callable[[Command], Child]:
    """Return what starts attempts on a cluster; `start_there` starts the process on the other machine."""

    def start(command: Command) -> Child:
        command.log.parent.mkdir(parents=True, exist_ok=True)
        command.result.parent.mkdir(parents=True, exist_ok=True)
        asks = command.result.with_suffix(".asks").absolute()
        for old in (asks, command.result):
            old.unlink(missing_ok=True)
        there = replace(command, log=command.log.absolute(), result=command.result.absolute())
        job = RemoteJob(there, os.getcwd(), asks, start_there)
        return RemoteChild(command, workforce.submit(job), asks)

    return start
