"""Start a worker in this process."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from dubkit.config import Settings
from dubkit.web.database import Database, database_url, migrate
from dubkit.web.jobs.halt import Halt
from dubkit.web.jobs.leases import Bench, Leases
from dubkit.web.jobs.worker import OpenSession, Rhythm, Worker, watch_parent


@dataclass(frozen=True, slots=True)
class Start:
    """What a worker process is started with."""

    settings: Settings
    output: Path
    open_session: OpenSession
    once: bool = False
    """End when no job waits."""
    parent: int = 0
    """Process without which it ends; 0 is none."""


def start(wanted: Start) -> None:
    """Work in this process until it is asked to end. For the main thread."""
    serve = wanted.settings.serve
    database = Database(database_url(serve.database, wanted.output))
    halt = Halt()
    try:
        with halt.signals():
            if wanted.parent:
                watch_parent(wanted.parent, halt)
            migrate(database)
            host = socket.gethostname()
            bench = Bench(f"{host}:{os.getpid()}", host, generators(wanted.settings))
            leases = Leases(database, max_attempts=serve.max_attempts)
            worker = Worker(leases, bench, wanted.open_session, Rhythm(serve.lease_seconds), halt)
            worker.run(once=wanted.once)
            again = halt.broken and not halt.stopping.is_set()
    finally:
        database.close()
    if again:
        # The same command in the same place, with nothing left of the work that was broken into.
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def generators(settings: Settings) -> int:
    """Return how many jobs may generate at once: one for each graphics card, and one at the least.

    Where the settings name devices, every job uses all of them, so there is one.
    """
    cards = len(list(Path("/dev").glob("nvidia[0-9]*")))
    if cards < 2 or settings.dub.devices != "auto" or settings.device == "cpu":
        return 1
    from dubkit.engines.devices import visible_devices  # loads torch, which counts what may be used

    return max(1, sum(name.startswith("cuda") for name in visible_devices("auto")))
