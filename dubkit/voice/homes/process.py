"""A runner as a process: started once, given one line after the other, ended with the run."""

from __future__ import annotations

import json
import logging
import queue
import subprocess
import threading
import weakref
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

from dubkit.errors import VoiceError

log = logging.getLogger(__name__)

OPEN_SECONDS = 600.0
"""Seconds in which a runner must have loaded its model."""

END_SECONDS = 5.0
"""Seconds that a runner has to end by itself once its input is closed."""

KEPT, SHOWN = 200, 3
"""Lines of what a runner says that are kept, and of those the last ones that an error shows."""

LOST = 2
"""Lines in a row that a runner may lose by dying before it is given up."""


class RunnerDied(Exception):
    """The process of a runner ended before it answered."""


@dataclass(frozen=True, slots=True)
class Program:
    """What is started, and what it is called in sentences."""

    called: str
    command: Sequence[str]
    line_seconds: float
    """Seconds in which a line must be spoken."""
    open_seconds: float = OPEN_SECONDS


class Runner:
    """Asks a runner for one line at a time.

    A runner that dies is started anew and the line tried once more; a second death fails the line with
    its last words. After LOST such lines in a row nothing is tried any more. Threads may share it: they take
    turns.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._process: _Process | None = None
        self._turn = threading.Lock()
        self._number = 0
        self._lost = 0
        self._last_words = ""

    def ask(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer to a request, which gets its `id` here.

        Raises VoiceError with what the runner says of the line, or its last words.
        """
        with self._turn:
            if self._lost >= LOST:
                raise VoiceError(f"{self._program.called} ended again and again. {self._last_words}")
            for _ in range(2):
                try:
                    answer = self._asked(request)
                except RunnerDied:
                    self._drop()
                    continue
                self._lost = 0
                return self._checked(answer)
            self._lost += 1
            raise VoiceError(
                f"{self._program.called} ended while it spoke the line, twice. {self._last_words}"
            )

    def open(self) -> None:
        """Start the runner and load its model. Raises VoiceError when it does not get ready."""
        with self._turn:
            self._open()

    def _asked(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        process = self._open()
        self._number += 1
        process.send({"id": self._number, **request})
        while True:
            answer = process.answer(self._program.line_seconds)
            if answer is None:
                self._drop()
                limit = f"{self._program.line_seconds:g} s"
                raise VoiceError(
                    f"{self._program.called} did not finish the line within {limit}, and was stopped."
                )
            if answer.get("id") == self._number:
                return answer

    def _open(self) -> _Process:
        if self._process is not None:
            return self._process
        called = self._program.called
        process = self._process = _Process(self._program)
        try:
            answer = process.answer(self._program.open_seconds)
        except RunnerDied:
            self._drop()
            raise VoiceError(f"{called} did not start. {self._last_words}") from None
        if answer is None or "ready" not in answer:
            self._drop()
            said = answer.get("fatal", answer) if answer else "it was not ready in time"
            raise VoiceError(f"{called} cannot speak: {said}")
        return process

    def _drop(self) -> None:
        if self._process is not None:
            self._process.end()
            self._last_words = self._process.last_words()
            self._process = None

    def _checked(self, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        if "error" in answer:
            raise VoiceError(f"{self._program.called} could not speak the line: {answer['error']}.")
        return answer


class _Process:
    """One process of a runner, with threads that read what it answers and what it says."""

    def __init__(self, program: Program) -> None:
        self._called = program.called
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(
                list(program.command),
                stdin=pipe,
                stdout=pipe,
                stderr=pipe,
            )
        except OSError as error:
            raise VoiceError(
                f"{program.called} cannot be started: {program.command[0]}: {error.strerror}."
            ) from error
        self._answers: queue.Queue[Mapping[str, Any] | None] = queue.Queue()
        self._said: deque[str] = deque(maxlen=KEPT)
        streams = self._process.stdin, self._process.stdout, self._process.stderr
        assert all(streams)
        readers = [
            threading.Thread(target=_read_answers, args=(self._process.stdout, self._answers), daemon=True),
            threading.Thread(
                target=_read_words, args=(self._process.stderr, self._said, program.called), daemon=True
            ),
        ]
        for reader in readers:
            reader.start()
        self.end = weakref.finalize(self, _end, self._process, readers)

    def send(self, request: Mapping[str, Any]) -> None:
        """Send a request. Raises RunnerDied when nobody reads it."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise RunnerDied from None

    def answer(self, seconds: float) -> Mapping[str, Any] | None:
        """Return the next answer, None when none comes in time. Raises RunnerDied when none will come."""
        try:
            answer = self._answers.get(timeout=seconds)
        except queue.Empty:
            return None
        if answer is None:
            raise RunnerDied
        return answer

    def last_words(self) -> str:
        """Return the last lines that the process said and how it ended, as sentences."""
        code = self._process.poll()
        ended = f"It was killed by signal {-code}." if code is not None and code < 0 else ""
        said = [line for line in self._said if line][-SHOWN:]
        words = f"It said last: {' / '.join(said)}." if said else "It said nothing."
        return f"{words} {ended}".rstrip()


def _read_answers(stream: IO[bytes], answers: queue.Queue[Mapping[str, Any] | None]) -> None:
    for line in stream:
        try:
            answer = json.loads(line)
        except ValueError:
            continue  # what a package wrote before the runner kept the stream to itself
        if isinstance(answer, dict):
            answers.put(answer)
    answers.put(None)


def _read_words(stream: IO[bytes], said: deque[str], called: str) -> None:
    for line in stream:
        text = line.decode(errors="replace").rstrip()
        log.debug("%s: %s", called, text)
        said.append(text)


def _end(process: subprocess.Popen[bytes], readers: Sequence[threading.Thread]) -> None:
    """Close the input, which ends a runner, and kill one that goes on."""
    assert process.stdin is not None
    with suppress(OSError):  # it is dead already, with something unread
        process.stdin.close()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for reader in readers:
        reader.join(END_SECONDS)
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
