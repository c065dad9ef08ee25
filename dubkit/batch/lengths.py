"""How long sources are, asked in a process of its own: a broken file can end or hang only that one."""

from __future__ import annotations

import multiprocessing
import os
import signal
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from dubkit.chain.executors.process import end_with_parent

PATIENCE = 20.0
"""Seconds to wait for one file."""


class LengthReader:
    """Reads what the headers of media files state. Use it as a context."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> LengthReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def seconds(self, source: Path) -> float:
        """Return the length in seconds; 0 where the file states none, or cannot be read."""
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=_begin)
        try:
            asked: Future[float] = self._pool.submit(_read, os.fspath(source))
            return asked.result(self._patience)
        except (BrokenProcessPool, TookTooLong):
            self._end()
            return 0.0

    def _end(self) -> None:
        pool, self._pool = self._pool, None
        if pool is None:
            return
        for process in list(getattr(pool, "_processes", {}).values()):
            process.kill()
        with suppress(Exception):
            pool.shutdown(wait=True, cancel_futures=True)


def _begin() -> None:
    """Let Ctrl-C be the batch's alone, and end with the batch."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()


def _read(source: str) -> float:
    from dubkit.media.files.probe import claimed_seconds

    try:
        return claimed_seconds(Path(source))
    except Exception:
        return 0.0  # the run of the episode says what is wrong with it
