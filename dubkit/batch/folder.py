"""The folder of a batch below the output folder: its journal, logs, results and report."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dubkit.batch.journal import Journal
from dubkit.episode.store import digest
from dubkit.errors import DubkitError

BATCHES = ".batch"
"""Folder of all batches below the output folder."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
MOST_AT_ONCE = 100
"""Runs of one batch that may go on at the same time."""


@dataclass(frozen=True, slots=True)
class BatchFolder:
    """Where a batch keeps what it knows."""

    path: Path

    @property
    def name(self) -> str:
        """Name of the batch."""
        return self.path.name

    @property
    def journal(self) -> Journal:
        """What happened in it."""
        return Journal(self.path / "journal.jsonl")

    @property
    def page(self) -> Path:
        """The report as a page."""
        return self.path / "report.html"

    @property
    def table(self) -> Path:
        """The report as JSON."""
        return self.path / "report.json"

    def log(self, episode: str, attempt: int) -> Path:
        """Return where the log of an attempt lies; those of earlier runs of the batch stay."""
        logs = self.path / "logs"
        numbers = (number for number in range(attempt, 100_000))
        return next(file for n in numbers if not (file := logs / f"{episode}-{n:03d}.log").exists())

    def result(self, episode: str) -> Path:
        """Return where the process of an episode writes what it came to."""
        return self.path / "results" / f"{episode}.json"


def batch_name(languages: Sequence[str], what: object) -> str:
    """Return the name of a batch that has none: the same command gives the same name."""
    tags = "-".join(languages[:4]) or "all"
    return f"{tags}-{digest(what)[:8]}"


@contextmanager
def hold_batch(output: Path, name: str) -> Iterator[BatchFolder]:
    """Hold the folder of a batch; where the batch runs already, one beside it: `NAME-2`.

    Both then share the episodes between them, because each episode is locked by the run that has it.
    Raises DubkitError for a name that no folder can have.
    """
    from filelock import FileLock, Timeout

    if not _NAME.fullmatch(name):
        raise DubkitError(f"--name {name!r}: a batch is named with letters, digits, '.', '_' and '-'.")
    for number in range(1, MOST_AT_ONCE):
        folder = BatchFolder(output / BATCHES / (name if number == 1 else f"{name}-{number}"))
        folder.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.path / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        try:
            yield folder
        finally:
            lock.release()
        return
    raise DubkitError(
        f"{output / BATCHES / name}: too many runs of this batch at once.\nWait for one to end."
    )
