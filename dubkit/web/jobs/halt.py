"""How running work is stopped: at the next item, or at once."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Literal

AGAIN = 5.0
"""Seconds that work which is broken into gets to put things in order."""

Reason = Literal["", "cancel", "stop", "lost"]


class Halted(BaseException):
    """The work of a job must stop. No DubkitError and no Exception: a stage records those as failed items
    and goes on."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class Halt:
    """What the running job is asked to do, told by the heartbeat and by signals."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        """Set when this process is to end."""
        self._reason: Reason = ""
        self._urgent = False
        self._armed = False
        self._interrupted = 0.0
        self.broken = False
        """True once work was broken into: what was being imported or opened then may not be whole."""

    def ask(self, reason: Reason, *, urgent: bool) -> None:
        """Ask the running work to stop: at its next item, or (`urgent`) wherever it is."""
        # What ends the lease or the process outranks a cancellation.
        if not self._reason or self._reason == "cancel":
            self._reason = reason
        if urgent:
            self._urgent = True
            self._interrupt()

    def insist(self) -> None:
        """Break in again when the work goes on all the same: an error raised in a finaliser is swallowed."""
        if time.monotonic() - self._interrupted > AGAIN:
            self._interrupt()

    def _interrupt(self) -> None:
        if self._armed and self._urgent:
            self._interrupted = time.monotonic()
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    def check(self) -> None:
        """Stop here when it was asked for. Raises Halted."""
        if self._reason:
            raise Halted(self._reason)

    @contextmanager
    def work(self) -> Iterator[None]:
        """While the block runs, it may be stopped at any place. Raises Halted."""
        self._armed = True
        try:
            self.check()
            yield
        finally:
            self._armed = False

    def disarm(self) -> None:
        """Let nothing break in any more: the work is over."""
        self._armed = False

    def forget(self) -> None:
        """Forget what was asked of the job before."""
        self._armed = False
        self._reason, self._urgent = ("stop", True) if self.stopping.is_set() else ("", False)

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Take SIGTERM and SIGINT as the wish to end this process. For the main thread."""
        before = {
            number: signal.signal(number, handler)
            for number, handler in (
                (signal.SIGTERM, self._end),
                (signal.SIGINT, self._end),
                (signal.SIGUSR1, self._break),
            )
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def end(self) -> None:
        """Ask for the end of this process; its job is handed back."""
        self.stopping.set()
        self.ask("stop", urgent=True)

    def _end(self, number: int, frame: FrameType | None) -> None:
        self.end()

    def _break(self, number: int, frame: FrameType | None) -> None:
        if self._armed and self._urgent:
            self.broken = True
            self.check()
