"""Go through the steps of a run, several at the same time where that is possible.

A step that runs alone runs in the thread that called, so that Ctrl-C and a stopped job reach it where it is.
Steps that run beside each other have a thread each, and the caller waits for them.
"""

from __future__ import annotations

import contextvars
import ctypes
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dubkit.chain.steps import Room, Step, load_ahead
from dubkit.errors import DubkitError, OutputLost
from dubkit.progress import Progress

Work = Callable[[Progress], None]
"""Do a step; called with where it reports."""

AGAIN = 2.0
"""Seconds between two interruptions of a step that goes on all the same."""
PATIENCE = 10.0
"""Seconds that interrupted steps get to end; what still waits for a program or a network then is left alone,
and ends before it can write anything."""


class StepStopped(BaseException):
    """A step must stop. No Exception: a stage would record that as a failed item and go on."""


@dataclass(frozen=True, slots=True)
class Handlers:
    """What a run does with its steps. All but the work itself is called from the thread that called."""

    begin: Callable[[Step], Work]
    """Return the work of a step that is about to begin. Raises DubkitError."""
    end: Callable[[Step], None]
    fail: Callable[[Step, DubkitError], bool]
    """Note why a step failed; return whether nothing more may begin."""
    close: Callable[[str], None]
    """Do what follows when a language has ended, whether or not it failed."""


def go_through(steps: Sequence[Step], room: Room, progress: Progress, handlers: Handlers) -> bool:
    """Do all steps, each after those that it waits for; return whether the run went to its end.

    A step that fails ends its language, and one of the episode ends the run; what runs beside it is finished.
    Any error that is no DubkitError, and a lost output, stops what runs, and is raised.
    """
    going = _Going(steps, room, progress, handlers)
    try:
        going.through()
    except BaseException as error:
        going.threads.stop(error)
        raise
    return not going.halted


class _Going:
    """A run in progress."""

    def __init__(self, steps: Sequence[Step], room: Room, progress: Progress, handlers: Handlers) -> None:
        self.all, self.loaded = steps, False
        self.waiting = list(steps)
        self.languages = list(dict.fromkeys(step.language for step in steps if step.language))
        self.ended: set[int] = set()
        self.halted = False
        self.room, self.progress, self.on = room, progress, handlers
        self.threads = _Threads()

    def through(self) -> None:
        """Begin what can begin, and wait for what runs, until nothing is left."""
        while True:
            chosen = self._choose()
            if not chosen and not self.threads.running:
                self._close_languages()
                return
            if len(chosen) == 1 and not self.threads.running:
                self._run_here(chosen[0])
            else:
                for step in chosen:
                    self._start(step)
                if self.threads.running:
                    self._take(*self.threads.wait())
            self._close_languages()

    def _choose(self) -> list[Step]:
        """Return the steps that can begin now, in order."""
        chosen: list[Step] = []
        for step in () if self.halted else self.waiting:
            running = (*self.threads.running.values(), *chosen)
            if step.waits <= self.ended and self.room.fits(step, running):
                chosen.append(step)
        return chosen

    def _work_of(self, step: Step) -> Work | None:
        self.waiting.remove(step)
        try:
            return self.on.begin(step)
        except DubkitError as error:
            self._fail(step, error)
            return None

    def _run_here(self, step: Step) -> None:
        work = self._work_of(step)
        if work is not None:
            try:
                work(self.progress)
            except DubkitError as error:
                self._fail(step, error)
            else:
                self._end(step)

    def _start(self, step: Step) -> None:
        if not self.loaded:
            load_ahead(self.all)
            self.loaded = True
        # An earlier one of those that were chosen may have ended the language, or all.
        if step in self.waiting and not self.halted and (work := self._work_of(step)):
            self.threads.start(step, work, self.progress.beside())

    def _take(self, step: Step, error: BaseException | None) -> None:
        if error is None:
            self._end(step)
        elif isinstance(error, DubkitError):
            self._fail(step, error)
        else:
            raise error

    def _end(self, step: Step) -> None:
        self.ended.add(step.place)
        self.on.end(step)

    def _fail(self, step: Step, error: DubkitError) -> None:
        if isinstance(error, OutputLost):
            raise error
        if self.on.fail(step, error):
            self.halted = True
        else:
            self.waiting = [one for one in self.waiting if one.language != step.language]

    def _close_languages(self) -> None:
        """Close every language of which nothing waits or runs."""
        if self.halted:
            return
        left = {step.language for step in (*self.waiting, *self.threads.running.values())}
        for language in [tag for tag in self.languages if tag not in left]:
            self.languages.remove(language)
            self.on.close(language)


class _Threads:
    """The steps that run in threads of their own."""

    def __init__(self) -> None:
        self.running: dict[int, Step] = {}
        self._threads: dict[int, threading.Thread] = {}
        self._over: set[int] = set()
        """Steps whose threads have nothing more to do. A thread cannot be asked: Python takes it for ended
        when a signal interrupts whoever joins it."""
        self._again = 0.0
        """When steps that go on all the same are interrupted again."""
        self._ends: queue.SimpleQueue[tuple[Step, BaseException | None]] = queue.SimpleQueue()

    def start(self, step: Step, work: Work, progress: Progress) -> None:
        """Begin a step."""

        def run() -> None:
            error = None
            try:
                work(progress)
            except BaseException as raised:
                error = raised
            self._over.add(step.place)
            self._ends.put((step, error))

        name = f"{step.stage.name} {step.language}".strip()
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(run,), name=name, daemon=True)
        self.running[step.place], self._threads[step.place] = step, thread
        thread.start()

    def wait(self) -> tuple[Step, BaseException | None]:
        """Wait until one of the steps ends; return it, with its error if it failed."""
        step, error = self._ends.get()
        self._threads.pop(step.place).join()
        del self.running[step.place]
        return step, error

    def stop(self, error: BaseException) -> None:
        """Interrupt all steps wherever they are, and wait for them for a while.

        A second Ctrl-C waits no longer; a request to stop that is repeated changes nothing.
        """
        until = time.monotonic() + PATIENCE
        while True:
            try:
                self._end_all(until)
                return
            except BaseException as again:
                if type(again) is not type(error) or isinstance(again, KeyboardInterrupt):
                    raise

    def _end_all(self, until: float) -> None:
        """Interrupt all steps, and again now and then, until they have ended or a time has come."""
        while working := [thread for place, thread in self._threads.items() if place not in self._over]:
            if time.monotonic() >= self._again:
                self._again = time.monotonic() + AGAIN
                for thread in working:
                    _interrupt(thread)
            if time.monotonic() > until:
                return
            time.sleep(0.02)
        for thread in self._threads.values():
            thread.join(AGAIN)


def _interrupt(thread: threading.Thread) -> None:
    """Raise StepStopped in a thread, at the next thing that it does."""
    stopped = ctypes.py_object(StepStopped)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), stopped)
