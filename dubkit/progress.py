"""Progress and estimates: how long stages take on this machine, and what is left.

Speeds are seconds of work per second of episode, or per unit of work of a stage that has its own, learned
from past runs and stored by the caller; nothing in a result depends on them.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


class Speeds:
    """Learned speeds of the stages, kept in one small file."""

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self._lock = threading.Lock()
        self.learned: dict[str, list[float]] = {}
        if file and file.is_file():
            try:
                table = json.loads(file.read_text("utf-8"))
                self.learned = {str(k): [float(x) for x in v] for k, v in table.items()}
            except (ValueError, TypeError, AttributeError):
                self.learned = {}  # an estimate may start over; no result depends on it

    def learn(self, stage: str, seconds: float, amount: float) -> None:
        """Note one run of a stage over an amount of work; the last eight count, very short ones do not."""
        if amount > 0.5:
            with self._lock:  # stages that work at the same time end in threads of their own
                self._learn(stage, seconds / amount)

    def _learn(self, stage: str, pace: float) -> None:
        self.learned[stage] = [*self.learned.get(stage, []), pace][-8:]
        if self.file is None:
            return
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            temporary = self.file.with_name(f"{self.file.name}.{os.getpid()}")
            temporary.write_text(json.dumps(self.learned, sort_keys=True), "utf-8")
            temporary.replace(self.file)
        except OSError:
            self.file = None  # a read-only cache folder costs only better estimates

    def expect(self, stage: str, amount: float, pace: float = 0.0) -> tuple[float, float]:
        """Return the shortest and longest time in seconds to expect for an amount of work.

        `pace` is the first guess of the seconds for one unit of it, until this machine's own is known.
        """
        past = self.learned.get(stage)
        if past:
            low, high = min(past), max(past)
            spread = 1.15 if len(past) > 2 else 1.5
            return low / spread * amount, high * spread * amount
        guess = pace * amount
        # Opening a model costs seconds however short the clip is.
        return guess / 2, guess * 3 + (5.0 if guess else 0.0)


@dataclass(frozen=True, slots=True)
class StageStart:
    """A stage that starts to work."""

    stage: str
    language: str
    items: int
    total: int
    expected: tuple[float, float]
    rest: float
    """Seconds expected for the stages after this one."""


Ended = Literal["done", "failed", "stopped"]
"""How a stage ended: it went through its items, an error ended it, or it was stopped."""


class Progress(Protocol):
    """Receives what happens in a run: notes, and one stage after the other."""

    def note(self, text: str) -> None:
        """Say something the user should know."""

    def fetching(self, name: str, done: int, total: int) -> None:
        """Report how many bytes of a model are here."""

    def start(self, stage: StageStart) -> None:
        """Begin a stage."""

    def advance(self, done: float) -> None:
        """Report how many of the stage's items are done, fractions included."""

    def finish(self, seconds: float, ended: Ended = "done", failed: int = 0) -> None:
        """End the stage: say how it ended, and how many of its items failed."""

    def beside(self) -> Progress:
        """Return where a stage reports that works while others do. It may be used by another thread."""


class Silent:
    """Progress that keeps the notes and shows nothing."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def beside(self) -> Silent:
        return self

    def note(self, text: str) -> None:
        self.notes.append(text)

    def fetching(self, name: str, done: int, total: int) -> None:
        pass

    def start(self, stage: StageStart) -> None:
        pass

    def advance(self, done: float) -> None:
        pass

    def finish(self, seconds: float, ended: Ended = "done", failed: int = 0) -> None:
        pass


class _Bars:
    """The bars of the stages that work now: one under the other, gone when none is left."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown: RichProgress | None = None
        self._lock = threading.Lock()

    def add(self, label: str, total: int, left: str) -> TaskID:
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as RichProgress

        with self._lock:
            if self._shown is None:
                self._shown = RichProgress(
                    TextColumn("{task.description:<18}", markup=False),
                    BarColumn(bar_width=28),
                    TextColumn("{task.fields[left]}", markup=False),
                    console=self._console,
                    transient=True,
                )
                self._shown.start()
            return self._shown.add_task(label, total=total, left=left)

    def update(self, bar: TaskID, done: float, left: str) -> None:
        with self._lock:
            if self._shown is not None and bar in self._shown.task_ids:
                self._shown.update(bar, completed=done, left=left)

    def remove(self, bar: TaskID) -> None:
        with self._lock:
            if self._shown is None or bar not in self._shown.task_ids:
                return
            self._shown.remove_task(bar)
            if not self._shown.task_ids:
                self._stop()

    def clear(self) -> None:
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        if self._shown is not None:
            self._shown.stop()
            self._shown = None


class Terminal:
    """Progress on stderr: a bar for each stage in a terminal, one plain line per stage elsewhere."""

    def __init__(self, quiet: bool = False, *, beside: Terminal | None = None) -> None:
        from rich.console import Console

        self.quiet = quiet
        self.console: Console = (
            beside.console if beside else Console(stderr=True, highlight=False, soft_wrap=True)
        )
        self._bars: _Bars = beside._bars if beside else _Bars(self.console)
        self._fetched: dict[str, int] = beside._fetched if beside else {}
        self._bar: TaskID | None = None
        self._stage: StageStart | None = None
        self._began = 0.0

    def beside(self) -> Terminal:
        return Terminal(self.quiet, beside=self)

    def note(self, text: str) -> None:
        if not self.quiet:
            self.console.print(text, style="yellow", markup=False)

    def fetching(self, name: str, done: int, total: int) -> None:
        if self.quiet or not total:
            return
        share = 4 * done // total
        if self._fetched.get(name, -1) != share:
            self._fetched[name] = share
            self.console.print(f"{name}: {done // 1_000_000} of {total // 1_000_000} MB", markup=False)

    def start(self, stage: StageStart) -> None:
        self._stage, self._began = stage, time.monotonic()
        if not self.quiet and self.console.is_terminal:
            self._bar = self._bars.add(_label(stage), stage.items, self._left(0.0))

    def advance(self, done: float) -> None:
        if self._bar is not None:
            self._bars.update(self._bar, done, self._left(done))

    def finish(self, seconds: float, ended: Ended = "done", failed: int = 0) -> None:
        stage = self._stage
        if self._bar is not None:
            self._bars.remove(self._bar)
            self._bar = None
        if stage is not None and not self.quiet:
            count = _count(stage, ended, failed)
            self.console.print(f"{_label(stage):<18} {count}, {duration(seconds)}", markup=False)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.clear()

    def _left(self, done: float) -> str:
        stage = self._stage
        if stage is None:
            return ""
        spent = time.monotonic() - self._began
        share = done / stage.items if stage.items else 1.0
        if share > 0.05 and spent > 2.0:
            here = spent / share * (1 - share)
        else:
            here = max(0.0, sum(stage.expected) / 2 - spent)
        return f"about {duration(here + stage.rest)} left in all"


def _label(stage: StageStart) -> str:
    return f"{stage.stage} {stage.language}".strip()


def _count(stage: StageStart, ended: Ended, failed: int) -> str:
    """Say what became of a stage: `done`, `14 of 16, 2 failed`, `failed`, `stopped`."""
    if ended != "done":
        return ended
    if stage.total == 1:
        return "failed" if failed else "done"
    done = f"{stage.items - failed} of {stage.total}"
    return f"{done}, {failed} failed" if failed else done


def duration(seconds: float) -> str:
    """Write a time span for people: `0.4 s`, `42 s`, `3 min 5 s`, `2 h 10 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{int(seconds) // 60} min {int(seconds) % 60} s"
    return f"{int(seconds) // 3600} h {int(seconds) % 3600 // 60} min"


def spread(low: float, high: float) -> str:
    """Write a range of times for people: `3.4 s`, `5.0 s to 12 s`, `12 s at most`."""
    if high - low < 1:
        return duration(high)
    return f"{duration(high)} at most" if low < 0.5 else f"{duration(low)} to {duration(high)}"


def total_range(ranges: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
    """Add up the ranges of several stages."""
    return sum(low for low, _ in ranges.values()), sum(high for _, high in ranges.values())
