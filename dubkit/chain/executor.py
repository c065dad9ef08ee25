"""Where the items of stages are worked on: in this process, in several, or on a cluster.

An executor is a record in a registry. It is opened for a run, and is then given what is due of each stage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Protocol, TypeVar

import msgspec

from dubkit.errors import SettingError
from dubkit.registry import Registry, names_of
from dubkit.settings import option

if TYPE_CHECKING:
    from dubkit.chain.sink import StoreSink
    from dubkit.chain.stage import Item, Stage
    from dubkit.config import Settings
    from dubkit.episode.context import Context

Answer = TypeVar("Answer")

TABLE = "execute"


@dataclass(frozen=True, slots=True)
class Execute:
    """Where the work is done."""

    executor: str = option(
        "auto",
        "What works on the items: here (this process), processes (all cores or cards), ray (a cluster); auto "
        "is this process, with a process for each graphics card where there are several.",
        choices=names_of("dubkit.chain.executor:EXECUTORS", "auto"),
        flag="--executor",
        machine=True,
    )
    workers: Annotated[int, msgspec.Meta(ge=0, le=4096)] = option(
        0,
        "Processes that work at once; 0 is as many as cores or cards and memory allow.",
        flag="--workers",
        machine=True,
    )
    address: str = option(
        "auto",
        "Ray cluster: ray://HOST:10001, HOST:6379, auto (the one of this machine) or local (start one).",
        flag="--address",
        machine=True,
    )


@dataclass(frozen=True, slots=True)
class Workplace:
    """What an executor is opened with."""

    settings: Settings
    stages: str
    """Reference `module:NAME` to the stages by name, for workers that are told a stage by its name."""
    tell: Callable[[str], None]
    """Tells people how the work is spread, and what it waits for."""

    @property
    def own(self) -> Execute:
        """The settings of where work is done."""
        return self.settings.table(TABLE, Execute)


class Workforce(Protocol):
    """An executor that is open. Several threads may use it at once."""

    def run(self, stage: Stage, context: Context, items: Sequence[Item], sink: StoreSink) -> None:
        """Work on items of a stage as `stage.run` does: every item is finished or failed when it returns."""

    def submit(self, job: Callable[[], Answer]) -> Future[Answer]:
        """Do any other job that pickles, such as a whole episode."""

    def close(self) -> None:
        """End what it started."""


def unhindered_here(_settings: Settings) -> str:
    """Return no hindrance: for what works on every machine."""
    return ""


def one_core(_settings: Settings) -> int:
    """Return one core: for what works in the process of the run, or on other machines."""
    return 1


@dataclass(frozen=True, slots=True)
class Executor:
    """Something that works on items: all that dubkit knows of it."""

    name: str
    """As in `execute.executor`."""
    title: str
    """What it is, in words."""
    open: Callable[[Workplace], Workforce]
    """Open it for a run. Raises DubkitError where it cannot be had."""
    hindrance: Callable[[Settings], str] = unhindered_here
    """Return why it cannot work on this machine, with the cure, or an empty text."""
    starting: str = ""
    """What its start takes, in a sentence for `dubkit plan`; empty where that is nothing to speak of."""
    settings: type | None = None
    """Its own table, `[execute.NAME]`."""
    cores: Callable[[Settings], int] = one_core
    """Return how many cores of this machine a run with it keeps busy; a batch counts them."""
    cluster: bool = False
    """Whether it reaches other machines, so that a batch hands it whole episodes."""


EXECUTORS = Registry(
    "executor",
    "dubkit.executors",
    Executor,
    (
        "dubkit.chain.executors.processes:EXECUTOR",
        "dubkit.chain.executors.here:EXECUTOR",
        "dubkit.chain.executors.ray:EXECUTOR",
    ),
    table=TABLE,
)


def chosen_executor(settings: Settings) -> Executor:
    """Return the executor that the settings name. Raises SettingError where it cannot work here."""
    own = settings.table(TABLE, Execute)
    executor = EXECUTORS.get(own.executor if own.executor != "auto" else EXECUTORS.names[0])
    if executor is None:
        raise SettingError(
            "execute.executor", own.executor, f"must be one of auto, {', '.join(EXECUTORS.names)}"
        )
    if reason := executor.hindrance(settings):
        raise SettingError("execute.executor", own.executor, reason)
    return executor


@contextmanager
def open_executor(
    settings: Settings, stages: str = "stages:STAGES", tell: Callable[[str], None] = lambda _text: None
) -> Iterator[Workforce]:
    """Open the executor that the settings name, and close it when the block ends.

    `stages` is the reference to the stages by name. Raises DubkitError where it cannot be had.
    """
    workforce = chosen_executor(settings).open(Workplace(settings, stages, tell))
    try:
        yield workforce
    finally:
        workforce.close()
