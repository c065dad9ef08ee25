"""Keep worker processes running beside the server."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType

log = logging.getLogger(__name__)

GRACE = 20.0
"""Seconds a worker has to hand its job back before it is killed; its lease then runs out."""

LONGEST_WAIT = 30.0
HEALTHY = 60.0
"""Seconds a worker must have run for the next one to start without delay."""


@dataclass(slots=True)
class _Post:
    """One place for a worker, and when the next one may start there."""

    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    wait: float = 0.0
    due: float = 0.0


class Supervisor:
    """Starts workers, replaces dead ones (more slowly when they die soon), and ends all with the block.

    Args:
        count: worker processes.
        environment: their whole environment; secrets belong here, never in the arguments.
        arguments: what follows `dubkit worker`.
    """

    def __init__(self, count: int, environment: Mapping[str, str], arguments: Sequence[str] = ()) -> None:
        self._environment = dict(environment)
        self._command = [sys.executable, "-m", "dubkit", "worker", *arguments, "--parent", str(os.getpid())]
        self._posts = [_Post() for _ in range(count)]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def __enter__(self) -> Supervisor:
        for post in self._posts:
            self._start(post)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        running = [post.process for post in self._posts if post.process is not None]
        for process in running:
            process.terminate()
        until = time.monotonic() + GRACE
        for process in running:
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.warning(
                    "worker %d does not end: it is killed, and its job goes back to the queue", process.pid
                )
                process.kill()
                process.wait()

    def _start(self, post: _Post) -> None:
        post.started = time.monotonic()
        # In its own session: Ctrl-C in the terminal reaches only the server, which then ends its workers.
        post.process = subprocess.Popen(
            self._command, env=self._environment, stdin=subprocess.DEVNULL, start_new_session=True
        )

    def _watch(self) -> None:
        while not self._over.wait(0.25):
            for post in self._posts:
                self._look(post, time.monotonic())

    def _look(self, post: _Post, moment: float) -> None:
        if post.process is not None:
            code = post.process.poll()
            if code is None:
                return
            soon = moment - post.started < HEALTHY
            post.wait = min(LONGEST_WAIT, max(0.5, 2 * post.wait)) if soon else 0.0
            post.due = moment + post.wait
            log.warning("worker %d ended with %d; the next starts in %g s", post.process.pid, code, post.wait)
            post.process = None
        if moment >= post.due:
            self._start(post)
