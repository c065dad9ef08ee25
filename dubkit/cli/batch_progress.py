"""How a batch shows on the terminal: a line for each episode that ends, and the finish time of the whole."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rich.console import Console
from rich.status import Status

from dubkit.batch.result import plain
from dubkit.progress import duration

if TYPE_CHECKING:
    from dubkit.batch.folder import BatchFolder
    from dubkit.batch.journal import EpisodeEntry
    from dubkit.batch.work import BatchWork

STATE_EVERY = 60.0
"""Seconds between two lines on the whole where the output is no terminal."""


class BatchProgress:
    """Progress on stderr: in a terminal with a line that stays at the bottom."""

    def __init__(self, folder: BatchFolder, *, quiet: bool) -> None:
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self.quiet = quiet
        self._folder = folder
        self._status: Status | None = None
        self._shown = time.monotonic()
        self._waits = ""

    def note(self, text: str) -> None:
        """Say something that people should know."""
        if not self.quiet:
            self.console.print(text, style="yellow", markup=False)

    def ended(self, work: BatchWork, entry: EpisodeEntry) -> None:
        """Print one line on an attempt that has ended."""
        if self.quiet:
            return
        over = sum(one.over for one in work.entries.values())
        total, name = len(work.entries), on_one_line(entry.source)
        took = f", {duration(entry.last.seconds)}" if entry.last and entry.over else ""
        word = {"quarantined": "left out", "waiting": "waits, and is tried again"}.get(
            entry.state, entry.state
        )
        self.console.print(f"[{over}/{total}] {name}: {word}{took}", markup=False)
        results = entry.last.result.languages if entry.last else ()
        errors = [one for row in results for one in row.errors or row.degraded]
        if entry.state in ("failed", "waiting"):
            for error in dict.fromkeys(errors):
                self.console.print(f"    {error.splitlines()[0]}", style="red", markup=False)

    def state(self, work: BatchWork) -> None:
        """Show how much is done, and when all will be."""
        if self.quiet or not work.entries:
            return
        moment = time.monotonic()
        if self.console.is_terminal:
            if self._status is None:
                self._status = self.console.status("")
                self._status.start()
            if moment - self._shown > 0.5:
                self._status.update(whole(work))
                self._shown = moment
            if not work.running and not work.waiting:
                self._status.stop()
                self._status = None
        elif moment - self._shown > STATE_EVERY:
            self.console.print(whole(work), markup=False)
            self._shown = moment


def on_one_line(source: str) -> str:
    """Return a path for a terminal: signs that would move its cursor become escapes."""
    signs = (sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in plain(source))
    return "".join(signs)


def whole(work: BatchWork) -> str:
    """Return one line on the whole: `12 of 50 done, 2 run; done about 03:12 (in 2 h 5 min)`."""
    over, total = sum(one.over for one in work.entries.values()), len(work.entries)
    line = f"{over} of {total} done, {len(work.running)} {'runs' if len(work.running) == 1 else 'run'}"
    if work.waits and not work.running:
        line += f", {work.waits}"
    left = work.seconds_left()
    if not left:
        return line
    moment = datetime.now() + timedelta(seconds=left)
    when = f"{moment:%H:%M}" if left < 12 * 3600 else f"{moment:%Y-%m-%d %H:%M}"
    return f"{line}; done about {when} (in {duration(left)})"
