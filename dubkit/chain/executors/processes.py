"""Work in processes of this machine: one for each core, or one for each graphics card."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from dubkit.chain.executor import TABLE, Execute, Executor, Workplace
from dubkit.chain.executors.demand import PROCESS_BYTES
from dubkit.chain.executors.pool import Pool
from dubkit.chain.executors.portions import Group, Portion, PortionEnd, Spread, Tell, do_portion, groups_of
from dubkit.chain.executors.process import end_with_parent
from dubkit.memory import free_memory
from dubkit.types import remark

if TYPE_CHECKING:
    from dubkit.chain.sink import StoreSink
    from dubkit.chain.stage import Item, Stage
    from dubkit.config import Settings
    from dubkit.episode.context import Context

Answer = TypeVar("Answer")


class LocalProcesses:
    """Processes of this machine, started when there is work for them, and used for every stage."""

    def __init__(self, place: Workplace) -> None:
        self.place = place
        self.by_cores = place.own.executor != "auto"
        self._pools: dict[tuple[str, ...], Pool[Portion, PortionEnd]] = {}
        self._lock = threading.Lock()
        self._others: ProcessPoolExecutor | None = None

    def run(self, stage: Stage, context: Context, items: Sequence[Item], sink: StoreSink) -> None:
        """Work on items of a stage, in this process where one process is all there is to have."""
        groups = groups_of(stage, context, items)
        places = self._places(stage, context) if len(groups) > 1 else []
        workers = min(len(groups), len(places), self._fitting(stage, context, min(len(groups), len(places))))
        if workers <= 1:
            stage.run(context, items, sink)
            return
        with self._lock:  # stages that run at the same time take turns with the processes
            self._spread(stage, context, groups, places, workers, sink)

    def submit(self, job: Callable[[], Answer]) -> Future[Answer]:
        """Do any other job that pickles in a process of its own kind."""
        if self._others is None:
            spawn = multiprocessing.get_context("spawn")
            self._others = ProcessPoolExecutor(
                self.place.own.workers or core_count(), mp_context=spawn, initializer=end_with_parent
            )
        return self._others.submit(job)

    def close(self) -> None:
        """Let the processes end."""
        for pool in self._pools.values():
            pool.close()
        if self._others is not None:
            self._others.shutdown(cancel_futures=True)

    def _spread(
        self,
        stage: Stage,
        context: Context,
        groups: Sequence[Group],
        places: Sequence[str],
        workers: int,
        sink: StoreSink,
    ) -> None:
        spread = Spread(stage, context, sink, self.place.stages)
        pool = self._pool(places)
        pool.on_loss = lambda place, error: sink.noticed.append(
            remark("device-lost", f"{place} could not go on: {error}", place)
        )
        for portion, result in pool.results(
            spread.portions(groups, workers, pool.cores),
            hear=spread.hear,
            look=spread.look,
            again=spread.again,
            most=workers,
        ):
            spread.ended(portion, result)
        spread.end()

    def _pool(self, places: Sequence[str]) -> Pool[Portion, PortionEnd]:
        key = tuple(places)
        if key not in self._pools:
            cores = max(1, core_count() // len(places))
            self._pools[key] = Pool(places, open_worker, cores=cores)
        return self._pools[key]

    def _places(self, stage: Stage, context: Context) -> list[str]:
        """Return a place for each process: the graphics cards of a stage that needs one, else the cores."""
        own = self.place.own
        if stage.takes_card(context):
            from dubkit.engines.devices import generating_devices

            devices = generating_devices(context.settings.device, context.settings.dub.devices)
            if len(devices) > 1 or devices[0] != "cpu":
                return devices[: own.workers or len(devices)]
        if not self.by_cores:
            return []
        return [f"process {number + 1}" for number in range(own.workers or core_count())]

    def _fitting(self, stage: Stage, context: Context, most: int) -> int:
        """Return how many processes fit into the memory that is free, and say so where it is fewer."""
        if most <= 1 or self.place.own.workers:
            return most
        each = PROCESS_BYTES + (stage.memory(context) if stage.memory else 0)
        free = free_memory()
        fitting = max(1, int(free * 0.9) // each)
        if fitting < most:
            self.place.tell(
                f"{stage.name}: {fitting} of {most} processes, as each takes about {_gb(each)} "
                f"and {_gb(free)} of memory are free."
            )
        return min(most, fitting)


def _gb(size: float) -> str:
    return f"{size / 1e9:.1f} GB"


def core_count() -> int:
    """Return the cores that this process may use."""
    import psutil  # type: ignore[import-untyped]

    try:
        return len(psutil.Process().cpu_affinity())
    except AttributeError:  # macOS cannot bind a process to cores
        return psutil.cpu_count() or 1


def open_worker(place: str) -> Callable[[Portion, Tell], PortionEnd]:
    """Return what works on portions at a place."""
    return partial(_do_at, place)


def _do_at(place: str, portion: Portion, tell: Tell) -> PortionEnd:
    return do_portion(at_place(portion, place), tell)


def at_place(portion: Portion, place: str) -> Portion:
    """Return a portion that is worked on at a place: a device is that of its settings."""
    if place.partition(":")[0] not in ("cuda", "mps", "cpu"):
        return portion
    settings = _on_device(portion.context.settings, place)
    return replace(portion, context=replace(portion.context, settings=settings))


def _on_device(settings: Settings, device: str) -> Settings:
    return replace(settings, dub=replace(settings.dub, devices=device))


def cores_of(settings: Settings) -> int:
    """Return how many cores the processes of a run keep busy; `auto` starts them for graphics cards alone."""
    own = settings.table(TABLE, Execute)
    return (own.workers or core_count()) if own.executor == "processes" else 1


EXECUTOR = Executor(name="processes", title="processes of this machine", open=LocalProcesses, cores=cores_of)
