"""One attempt at an episode: a process of its own, its log, and what it came to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from dubkit.batch.journal import Cause
from dubkit.batch.machine import held_memory, memory_kills
from dubkit.batch.result import EpisodeResult
from dubkit.episode.store import decode_json

TAIL = 4_000
"""Bytes at the end of a log in which the reason of a crash is looked for."""

OUT_OF_MEMORY = ("MemoryError", "Cannot allocate memory", "std::bad_alloc", "out of memory")
"""What a log says where memory ran out without a kill."""


@dataclass(frozen=True, slots=True)
class Command:
    """What one attempt is started with."""

    arguments: tuple[str, ...]
    """The program and its arguments."""
    log: Path
    result: Path
    """Where the process writes what it came to."""
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Environment variables besides those that it inherits."""
    card: int | None = None


class Child(Protocol):
    """A running attempt, wherever it runs."""

    command: Command
    peak: int
    held: int
    """Bytes of memory of this machine that it holds now."""
    timed_out: bool
    stopping: bool
    kills: int
    """Processes that the machine had killed for want of memory when it began."""

    @property
    def seconds(self) -> float:
        """How long it has run."""

    def poll(self) -> int | None:
        """Return its exit status, or None while it runs."""

    def interrupt(self) -> None:
        """Ask it to stop: finished items are kept."""

    def kill(self) -> None:
        """End it, and everything that it started, at once."""

    def expire(self) -> None:
        """End it because it has run too long."""

    def clear(self) -> None:
        """End what it has left behind."""


@dataclass(slots=True)
class LocalChild:
    """A running attempt on this machine."""

    command: Command
    process: subprocess.Popen[bytes]
    began: float
    peak: int = 0
    held: int = 0
    """Bytes of memory that it holds now."""
    timed_out: bool = False
    stopping: bool = False
    kills: int = 0
    """Processes that the machine had killed for want of memory when it began."""
    _looked: float = field(default=0.0, repr=False)

    def poll(self) -> int | None:
        """Return its exit status, or None while it runs; measure its memory meanwhile."""
        code = self.process.poll()
        moment = time.monotonic()
        if code is None and moment - self._looked > 0.5:
            self._looked, self.held = moment, held_memory(self.process.pid)
            self.peak = max(self.peak, self.held)
        return code

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return time.monotonic() - self.began

    def interrupt(self) -> None:
        """Ask it to stop: finished items are kept."""
        self.stopping = True
        self._send(signal.SIGINT)

    def kill(self) -> None:
        """End it, and everything that it started, at once."""
        self.stopping = True
        self._send(signal.SIGKILL)

    def expire(self) -> None:
        """End it because it has run too long."""
        self.timed_out = True
        self._send(signal.SIGKILL)

    def clear(self) -> None:
        """End what it has left behind."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)


PYTHON, PARENT = "\0python", "\0parent"
"""Arguments that stand for the interpreter, and for the process that starts the attempt."""


def filled_in(arguments: Sequence[str]) -> list[str]:
    """Return arguments for the machine and the process that start them."""
    known = {PYTHON: sys.executable, PARENT: str(os.getpid())}
    return [known.get(word, word) for word in arguments]


def start_child(command: Command, environment: Mapping[str, str] | None = None) -> LocalChild:
    """Start an attempt in a session of its own, so that Ctrl-C in the terminal reaches the batch alone.

    `environment` is its whole environment; without one it inherits.
    """
    command.log.parent.mkdir(parents=True, exist_ok=True)
    command.result.parent.mkdir(parents=True, exist_ok=True)
    command.result.unlink(missing_ok=True)
    with command.log.open("wb") as log:
        process = subprocess.Popen(
            filled_in(command.arguments),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=None if environment is None else dict(environment),
        )
    with suppress(OSError):  # where memory runs out, the machine is to end an episode and not the batch
        Path(f"/proc/{process.pid}/oom_score_adj").write_text("500")
    return LocalChild(command, process, time.monotonic(), kills=memory_kills())


def read_ending(child: Child, code: int) -> tuple[Cause, EpisodeResult | None]:
    """Return why an attempt ended, and its result where it left one."""
    if child.timed_out:
        return "timeout", None
    with suppress(OSError, ValueError):
        return "result", decode_json(child.command.result.read_bytes(), EpisodeResult)
    said = log_tail(child.command.log)
    starved = -code == signal.SIGKILL and memory_kills() > child.kills
    if starved or any(words in said for words in OUT_OF_MEMORY):
        return "memory", None
    return ("killed" if code < 0 or code > 128 else "crash"), None


def log_tail(log: Path) -> str:
    """Return the end of a log."""
    with suppress(OSError), log.open("rb") as lines:
        lines.seek(0, os.SEEK_END)
        lines.seek(max(0, lines.tell() - TAIL))
        return lines.read().decode("utf-8", "replace")
    return ""


def last_words(log: Path, lines: int = 3) -> str:
    """Return the last lines of a log that say something."""
    said: Sequence[str] = [line.strip() for line in log_tail(log).splitlines() if line.strip()]
    return "\n".join(said[-lines:])
