"""Work on a Ray cluster: actors on its machines do portions, with models that stay open between them.

The episode folder, the source and the models lie at the same paths on every machine; a marker shows at once
where that is not so. An actor that dies costs its running items: another one does them again.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from dubkit.chain.executor import Executor, Workplace
from dubkit.chain.executors.demand import Demand, demand_of
from dubkit.chain.executors.portions import Group, Portion, PortionEnd, Spread, do_portion, groups_of
from dubkit.chain.executors.process import portable
from dubkit.chain.executors.turns import Turns
from dubkit.errors import SettingError
from dubkit.types import remark

if TYPE_CHECKING:
    from dubkit.chain.sink import StoreSink
    from dubkit.chain.stage import Item, Stage
    from dubkit.config import Settings
    from dubkit.episode.context import Context

Answer = TypeVar("Answer")

JOB_RETRIES = 2
"""How often any other job runs again when its worker dies."""


class PortionActor:
    """What an actor does: one portion after the other."""

    def ready(self, marker: str, source: str) -> str:
        """Return what this machine lacks, or an empty text."""
        import socket
        import time

        for path in (marker, source):
            limit = time.monotonic() + 5  # a network file system may show a new file late
            while not Path(path).exists():
                if time.monotonic() > limit:
                    return f"{socket.gethostname()} does not see {path}"
                time.sleep(0.2)
        return ""

    def do(self, portion: Portion) -> tuple[list[Any], PortionEnd | Exception]:
        """Work on a portion; return what was told meanwhile, and how it ended."""
        told: list[Any] = []
        try:
            return told, do_portion(portion, told.append)
        except Exception as error:
            return told, portable(error)


class RayCluster:
    """A Ray cluster that this run is connected to."""

    def __init__(self, place: Workplace) -> None:
        self.place = place
        self._started = connect(place.own.address, place.own.workers)
        self._actors: dict[Demand, list[Any]] = {}
        self._lock = threading.Lock()

    def run(self, stage: Stage, context: Context, items: Sequence[Item], sink: StoreSink) -> None:
        """Work on items of a stage, in this process where they are one group."""
        groups = groups_of(stage, context, items)
        if len(groups) < 2:
            stage.run(context, items, sink)
            return
        with self._lock:
            self._spread(stage, context, groups, sink)

    def submit(self, job: Callable[[], Answer]) -> Future[Answer]:
        """Do any other job that pickles on a free core of the cluster."""
        import ray

        task: Any = ray.remote(_call).options(num_cpus=1, max_retries=JOB_RETRIES)
        return cast("Future[Answer]", task.remote(job).future())

    def close(self) -> None:
        """Let the actors go; a cluster that was started for this run ends."""
        import ray

        self._release()
        if self._started:
            ray.shutdown()

    def _spread(self, stage: Stage, context: Context, groups: Sequence[Group], sink: StoreSink) -> None:

        demand = demand_of(stage, context, _resources("cluster_resources"), self.place.own.workers)
        workers = min(demand.workers, len(groups))
        spread = Spread(stage, context, sink, self.place.stages)
        portions = spread.portions(groups, workers, demand.cores)
        if demand not in self._actors:
            self._release()  # idle actors would keep what these need
        with _Marker(context) as marker:
            turns = Turns(
                spread,
                portions,
                start=lambda: _start(demand),
                check=lambda actor: actor.ready.remote(str(marker), str(context.source)),
                waiting=lambda: self.place.tell(
                    demand.waiting(stage.name, _resources("available_resources"))
                ),
                lost=lambda error: sink.noticed.append(
                    remark("device-lost", f"A worker of the cluster could not go on: {error}", stage.name)
                ),
            )
            try:
                self._actors[demand] = turns.take(self._actors.get(demand, []), workers)
            except BaseException:
                self._release(turns.actors)
                raise
        spread.end()

    def _release(self, others: Sequence[Any] = ()) -> None:
        import ray

        for actor in [*others, *(actor for actors in self._actors.values() for actor in actors)]:
            ray.kill(actor)
        self._actors.clear()


def _resources(kind: str) -> dict[str, float]:
    """Return what the cluster has (`cluster_resources`), or what of it is free (`available_resources`)."""
    import ray

    return dict(getattr(ray, kind)())


def _call(job: Callable[[], Answer]) -> Answer:
    return job()


def _start(demand: Demand) -> Any:
    import ray

    return ray.remote(PortionActor).options(max_restarts=0, **demand.options()).remote()


class _Marker:
    """A file in the episode folder while the block runs, which every machine must see."""

    def __init__(self, context: Context) -> None:
        self.path = context.store.path(f".dubkit/tmp/shared-{secrets.token_hex(6)}")

    def __enter__(self) -> Path:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch()
        return self.path

    def __exit__(self, *_: object) -> None:
        self.path.unlink(missing_ok=True)


def connect(address: str, workers: int) -> bool:
    """Connect to a cluster and return whether that was needed. Raises SettingError where there is none."""
    import ray

    if ray.is_initialized():
        return False
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "namespace": "dubkit"}
    try:
        if address == "local":
            ray.init(address="local", num_cpus=workers or None, include_dashboard=False, **quiet)
        else:
            ray.init(address=address, **quiet)
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        said = " ".join(str(error).split())
        raise SettingError(
            "execute.address",
            address,
            f"no Ray cluster answers there ({said}). Start one with `ray start --head`, or set it to local",
        ) from error
    return True


def _hindrance(_settings: Settings) -> str:
    return "" if find_spec("ray") else 'Ray is not installed. Run: pip install "dubkit[ray]"'


def _open(place: Workplace) -> RayCluster:
    return RayCluster(place)


EXECUTOR = Executor(
    name="ray",
    title="a Ray cluster",
    open=_open,
    hindrance=_hindrance,
    cluster=True,
    starting="Ray takes 4 to 8 s and 0.5 GB of memory to start.",
)
