"""How running work is stopped: at its next item, or at once."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Literal

AGAIN = 5.0
"""Seconds between two interruptions of work that goes on all the same."""

Reason = Literal["", "cancel", "stop", "lost"]
"""Why work stops: somebody cancelled the job, this process ends, or the lease was lost."""


class JobStopped(BaseException):
    """The work of a job must stop. No DubkitError and no Exception: a stage records those as failed items
    and goes on."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class StopToken:
    """Asks the running job to stop. Set by the heartbeat and by signals, looked at by the work."""

    def __init__(self) -> None:
        self.ending = threading.Event()
        """Set when this process is to end."""
        self._reason: Reason = ""
        self._urgent = False
        self._armed = False
        self._interrupted = 0.0
        self.interrupted = False
        """True once work was interrupted: what was being imported or opened then may be incomplete."""

    def ask(self, reason: Reason, *, urgent: bool) -> None:
        """Ask the running work to stop: at its next item, or (`urgent`) wherever it is."""
        # The end of the lease or of the process outranks a cancellation.
        if not self._reason or self._reason == "cancel":
            self._reason = reason
        if urgent:
            self._urgent = True
            self._interrupt()

    def insist(self) -> None:
        """Interrupt again when the work goes on all the same: an error raised in a finaliser is swallowed."""
        if time.monotonic() - self._interrupted > AGAIN:
            self._interrupt()

    def _interrupt(self) -> None:
        if self._armed and self._urgent:
            self._interrupted = time.monotonic()
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    def check(self) -> None:
        """Stop here if the work was asked to. Raises JobStopped."""
        if self._reason:
            raise JobStopped(self._reason)

    @contextmanager
    def work(self) -> Iterator[None]:
        """While the block runs, it may be stopped at any place. Raises JobStopped."""
        self._armed = True
        try:
            self.check()
            yield
        finally:
            self._armed = False

    def disarm(self) -> None:
        """Allow no interruption any more: the work is over."""
        self._armed = False

    def reset(self) -> None:
        """Forget what the job before was asked."""
        self._armed = False
        self._reason, self._urgent = ("stop", True) if self.ending.is_set() else ("", False)

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Take SIGTERM and SIGINT as requests to end this process. For the main thread."""
        before = {
            number: signal.signal(number, handler)
            for number, handler in (
                (signal.SIGTERM, self._on_end),
                (signal.SIGINT, self._on_end),
                (signal.SIGUSR1, self._on_interrupt),
            )
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def end(self) -> None:
        """Ask this process to end; its job is handed back."""
        self.ending.set()
        self.ask("stop", urgent=True)

    def _on_end(self, number: int, frame: FrameType | None) -> None:
        self.end()

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._armed and self._urgent:
            self.interrupted = True
            self.check()
