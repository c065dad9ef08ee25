"""Start a worker in this process."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from dubkit.batch.machine import card_count
from dubkit.batch.rule import MB
from dubkit.batch.settings import BatchSettings
from dubkit.config import Settings
from dubkit.memory import free_memory
from dubkit.web.database import Database, database_url, migrate
from dubkit.web.jobs.leases import Leases, WorkerIdentity
from dubkit.web.jobs.stopping import StopToken
from dubkit.web.jobs.worker import JobWorker, OpenSession, WorkerTiming, watch_parent
from dubkit.web.settings import Serve


@dataclass(frozen=True, slots=True)
class WorkerStart:
    """What a worker process is started with."""

    settings: Settings
    output: Path
    open_session: OpenSession
    once: bool = False
    """End when no job waits."""
    parent: int = 0
    """Process without which it ends; 0 is none."""


def start(worker: WorkerStart) -> None:
    """Do jobs in this process until it is asked to end. For the main thread."""
    serve = Serve.of(worker.settings)
    database = Database(database_url(serve.database, worker.output))
    stop = StopToken()
    try:
        with stop.signals():
            if worker.parent:
                watch_parent(worker.parent, stop)
            migrate(database)
            host = socket.gethostname()
            spare = BatchSettings.of(worker.settings).spare_memory_mb * MB
            identity = WorkerIdentity(
                f"{host}:{os.getpid()}", host, card_count(worker.settings), lambda: free_memory() - spare
            )
            leases = Leases(database, max_attempts=serve.max_attempts)
            timing = WorkerTiming(serve.lease_seconds)
            JobWorker(leases, identity, worker.open_session, timing, stop).run(once=worker.once)
            again = stop.interrupted and not stop.ending.is_set()
    finally:
        database.close()
    if again:
        # The same command in the same place, with nothing left of the work that was interrupted.
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
