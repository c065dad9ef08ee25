"""Run a batch: start what fits, collect what ended, write the report, until all is done or it is stopped."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Protocol

from dubkit.batch.journal import EpisodeEntry
from dubkit.batch.lengths import LengthReader
from dubkit.batch.listing import FolderWatch
from dubkit.batch.report import BatchTitle, make_report, write_report
from dubkit.batch.work import BatchSetup, BatchWork

PAUSE = 0.1
"""Seconds between two looks at what runs."""

REPORT_EVERY = 30.0
"""Seconds until the report is written anew although nothing has ended."""

REPORT_BETWEEN = 1.0
"""Least seconds between two reports: a batch of thousands writes many results."""

GRACE = 20.0
"""Seconds that a stopped episode has to end by itself before it is killed."""


class BatchShow(Protocol):
    """Shows people how a batch goes on."""

    def ended(self, work: BatchWork, entry: EpisodeEntry) -> None:
        """Say what became of an attempt."""

    def state(self, work: BatchWork) -> None:
        """Show the whole as it stands."""


@dataclass(slots=True)
class StopRequests:
    """How often the batch was asked to stop: once is softly, twice is at once."""

    count: int = 0

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Take Ctrl-C and SIGTERM as requests to stop. For the main thread."""
        before = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.count += 1


@dataclass(slots=True)
class BatchLoop:
    """Runs a batch to its end."""

    setup: BatchSetup
    title: BatchTitle
    show: BatchShow
    watch: FolderWatch | None = None
    pause: float = PAUSE
    reads_lengths: bool = True
    """Whether lengths of sources are read ahead, for memory and the finish time."""
    _written: float = 0.0
    _changed: bool = True
    _asked: set[str] = field(default_factory=set)
    """Episodes whose length was asked for."""

    def run(self, sources: Iterable[Path]) -> int:
        """Run until all is done, or for ever while folders are watched; return the exit code.

        Raises KeyboardInterrupt when it was stopped; the same command goes on from there.
        """
        work = BatchWork(self.setup)
        stop = StopRequests()
        with stop.signals(), LengthReader() as reader:
            work.open(sources)
            try:
                self._go_on(work, reader, stop)
            finally:
                self._end_children(work, stop)
                self._report(work, force=True)
            if stop.count:
                self.setup.folder.journal.write("stopped")
                raise KeyboardInterrupt
            self.setup.folder.journal.write("finished", exit_code=work.exit_code())
        return work.exit_code()

    def _go_on(self, work: BatchWork, reader: LengthReader, stop: StopRequests) -> None:
        while not stop.count:
            self._collect(work)
            self._read_a_length(work, reader)
            if self.watch is not None and work.add(self.watch.settled(time.monotonic())):
                self._changed = True
            if not stop.count and work.start_what_fits():
                self._changed = True
            self._report(work)
            self.show.state(work)
            if not work.running and not work.waiting and self.watch is None:
                return self._collect(work)
            time.sleep(self.pause)

    def _collect(self, work: BatchWork) -> None:
        for entry in work.collect():
            self._changed = True
            self.show.ended(work, entry)

    def _read_a_length(self, work: BatchWork, reader: LengthReader) -> None:
        """Read the length of one source that waits, so that starting the first ones waits for none."""
        for entry in work.waiting if self.reads_lengths else ():
            if entry.seconds == 0.0 and entry.id not in self._asked:
                self._asked.add(entry.id)
                entry.seconds = reader.seconds(Path(entry.source))
                return

    def _end_children(self, work: BatchWork, stop: StopRequests) -> None:
        """Stop what runs, softly at first, and record what still came of it."""
        children = [one.child for one in work.running.values()]
        for child in children:
            child.interrupt()
        until = time.monotonic() + GRACE
        while work.running:
            if stop.count > 1 or time.monotonic() > until:
                for one in work.running.values():
                    one.child.kill()
            self._collect(work)
            time.sleep(self.pause)

    def _report(self, work: BatchWork, *, force: bool = False) -> None:
        age = time.monotonic() - self._written
        if not force and age < (REPORT_BETWEEN if self._changed else REPORT_EVERY):
            return
        entries: Sequence[EpisodeEntry] = list(work.entries.values())
        left, code = work.seconds_left(), work.exit_code()
        folder = self.setup.folder
        try:
            write_report(folder, make_report(folder, self.title, entries, left=left, exit_code=code))
        except OSError as error:  # a full disk, for example: the episodes say so, and the batch goes on
            self.setup.tell(f"The report is not written: {error}")
        self._written, self._changed = time.monotonic(), False
