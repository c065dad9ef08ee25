"""A pool of processes: each has a place, such as a graphics card, and a free process takes the next job.

A process that dies costs its own job and nothing else: a new one takes its place, and the job runs again. The
parent's end ends all of them. Processes talk over a pipe each, because a queue that they share stays locked
for ever when one of them is killed.
"""

from __future__ import annotations

import multiprocessing
import pickle
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import connection
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from dubkit.chain.executors.process import serve
from dubkit.errors import DubkitError

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

Job = TypeVar("Job")
Result = TypeVar("Result")

Tell = Callable[[Any], None]
"""Called with anything that the parent should know of the running job."""
Worker = Callable[[Job, Tell], Result]
Hear = Callable[[Job, Any], None]
Again = Callable[[Job], Sequence[Job]]
OnLoss = Callable[[str, Exception], None]

_STOP_SECONDS = 5.0
"""How long a process may take to end by itself before it is killed."""

ATTEMPTS = 3
"""How often a job is begun: when its process dies it runs again, twice at most."""

LOOK_SECONDS = 0.5
"""How often the caller is asked whether to go on while nothing comes from the processes."""


class WorkerLost(DubkitError):
    """The process that did a job ended in the middle of it, as often as the job was begun."""

    may_pass = True

    def __init__(self, place: str, exit_code: int | None) -> None:
        if exit_code is not None and exit_code < 0:
            reason = f"was killed by {signal.Signals(-exit_code).name}"
        else:
            reason = f"ended with code {exit_code}"
        memory = " Most often the machine's memory ran out." if reason.endswith("SIGKILL") else ""
        super().__init__(
            f"The process on {place} {reason} in the middle of its work.{memory}\n"
            "Run the same command again: it resumes. Fewer processes at a time need less memory."
        )
        self.place = place


@dataclass(slots=True, eq=False)
class _Member(Generic[Job]):
    """One process, and the job that it does."""

    place: str
    process: SpawnProcess
    pipe: connection.Connection
    task: _Task[Job] | None = None
    ready: bool = False


@dataclass(slots=True, eq=False)
class _Task(Generic[Job]):
    """A job, and how often it was begun."""

    job: Job
    begun: int = 0


class Pool(Generic[Job, Result]):
    """The parent's side: starts processes when there is work, hands out jobs, and receives results.

    Args:
        places: one process for each; a name may come twice. The first are started first.
        open_worker: called in each process with its place; returns what is called with a job and a `Tell`.
        cores: cores that each process may use; 0 leaves that to the libraries.
    """

    def __init__(
        self,
        places: Sequence[str],
        open_worker: Callable[[str], Worker[Job, Result]],
        on_loss: OnLoss | None = None,
        cores: int = 0,
    ) -> None:
        if not places:
            raise ValueError("There is no place to work at.")
        self.places, self.open_worker, self.on_loss, self.cores = list(places), open_worker, on_loss, cores
        self.hear: Hear[Job] | None = None
        self._again: Again[Job] | None = None
        self._members: list[_Member[Job]] = []
        self._started: list[SpawnProcess] = []
        self._unusable: list[str] = []
        self._waiting: deque[_Task[Job]] = deque()
        self._last_error: Exception | None = None
        self._idle_deaths = 0

    def results(
        self,
        jobs: Sequence[Job],
        hear: Hear[Job] | None = None,
        look: Callable[[], None] | None = None,
        again: Again[Job] | None = None,
        most: int = 0,
    ) -> Iterator[tuple[Job, Result | Exception]]:
        """Yield every job once with its result or its error, in the order in which they end.

        At most `most` processes work, where it is not 0. Closing the iterator, or any error in the caller,
        Ctrl-C too, stops all processes at once.

        Args:
            jobs: what is to be done.
            hear: called with a job and what its worker tells.
            look: called now and then; it may raise to end the work.
            again: called with a job whose process died; returns the jobs that take its place.
            most: processes that work at most; 0 is one at each place.
        """
        self.hear, self._again, self._idle_deaths = hear, again, 0
        self._waiting = deque(_Task(job) for job in jobs)
        whole = False
        try:
            count = min(len(jobs), most or len(self.places))
            self._start(count)
            for member in self._members[:count]:
                if member.ready and member.task is None:
                    yield from self._give(member)
            while self._members and (self._waiting or any(member.task for member in self._members)):
                for member in self._ready(look):
                    yield from self._hear(member)
            while self._waiting:
                error = self._last_error or DubkitError("No process is left to work.")
                yield self._waiting.popleft().job, error
            whole = True
        finally:
            self.hear = self._again = None
            if not whole:
                self.stop()

    def close(self) -> None:
        """Let idle processes end by themselves; those at work are stopped."""
        for member in self._members:
            if member.task is None:
                member.pipe.close()
        for process in self._started:
            process.join(_STOP_SECONDS if process.is_alive() else 0)
        self.stop()

    def stop(self) -> None:
        """End every process at once, at work or not. New work starts new ones."""
        for process in self._started:
            process.terminate()
        for process in self._started:
            process.join(_STOP_SECONDS)
            if process.is_alive():
                process.kill()
                process.join()
            process.close()
        for member in self._members:
            member.pipe.close()
        self._members, self._started = [], []

    def _start(self, count: int) -> None:
        """Have `count` processes, or as many as there are places that can be used."""
        taken = [member.place for member in self._members]
        for place in self.places:
            if len(self._members) >= count:
                return
            if place in taken:
                taken.remove(place)
            elif place not in self._unusable:
                self._start_one(place)

    def _start_one(self, place: str) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=serve, args=(place, self.open_worker, theirs, self.cores), daemon=True
        )
        process.start()
        # The pipe must end with the process: that is how its death is noticed.
        theirs.close()
        self._started.append(process)
        self._members.append(_Member(place, process, ours))

    def _ready(self, look: Callable[[], None] | None) -> list[_Member[Job]]:
        while True:
            ready = connection.wait([member.pipe for member in self._members], LOOK_SECONDS)
            if look is not None:
                look()
            if ready:
                return [member for member in self._members if member.pipe in ready]

    def _hear(self, member: _Member[Job]) -> Iterator[tuple[Job, Result | Exception]]:
        try:
            raw = member.pipe.recv_bytes()
        except (EOFError, OSError):
            yield from self._lost(member)
            return
        try:
            kind, value = pickle.loads(raw)
        except Exception as error:  # a result that pickles need not unpickle
            kind, value = "done", error
        if kind == "told":
            if self.hear and member.task:
                self.hear(member.task.job, value)
            return
        if kind == "unopened":
            self._unusable.append(member.place)
            self._lose(member, value)
            return
        member.ready = True
        ended = []
        if kind == "done" and member.task is not None:
            ended, member.task = [(member.task.job, value)], None
        # The process goes on while the caller looks at the result.
        ended += self._give(member)
        yield from ended

    def _give(self, member: _Member[Job]) -> Iterator[tuple[Job, Result | Exception]]:
        """Hand the next job to a free process; a job that cannot be pickled fails at once."""
        while self._waiting:
            task = self._waiting.popleft()
            try:
                raw = pickle.dumps(task.job)
            except Exception as error:
                yield task.job, error
                continue
            try:
                member.pipe.send_bytes(raw)
            except OSError:  # it died while idle: the job was not begun, and goes to another
                self._waiting.appendleft(task)
                yield from self._lost(member)
            else:
                task.begun += 1
                member.task = task
            return

    def _lost(self, member: _Member[Job]) -> Iterator[tuple[Job, Result | Exception]]:
        """Begin the job of a dead process again in a new one, or give it up."""
        member.process.join(_STOP_SECONDS)
        error = WorkerLost(member.place, member.process.exitcode)
        task = member.task
        self._lose(member, error)
        if task is None:
            self._idle_deaths += 1
        elif task.begun < ATTEMPTS:
            jobs = self._again(task.job) if self._again is not None else [task.job]
            self._waiting.extendleft(_Task(job, task.begun) for job in reversed(jobs))
        else:
            yield task.job, error
        # A process that dies whenever it starts is not started for ever.
        if self._waiting and self._idle_deaths < 2 * len(self.places):
            self._start_one(member.place)

    def _lose(self, member: _Member[Job], error: Exception) -> None:
        self._last_error = error
        member.pipe.close()
        self._members.remove(member)
        if self.on_loss:
            self.on_loss(member.place, error)
