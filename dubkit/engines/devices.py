"""Run jobs on several devices at once: one process each, and a free process takes the next job.

A process that dies loses its own job and nothing else; the parent's end ends all of them. Processes
talk over a pipe each, because a queue that they share stays locked for ever when one of them is killed.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import connection
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from dubkit.errors import DubkitError, SettingError

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

Job = TypeVar("Job")
Result = TypeVar("Result")

Tell = Callable[[int, int], None]
"""Called with how many steps of a job are done, and out of how many."""
Worker = Callable[[Job, Tell], Result]
Progress = Callable[[Job, int, int], None]
OnLoss = Callable[[str, Exception], None]

_STOP_SECONDS = 5.0
"""How long a process may take to end by itself before it is killed."""


class DeviceLost(DubkitError):
    """The process that worked on a device ended in the middle of a job."""

    may_pass = True

    def __init__(self, device: str, exit_code: int | None) -> None:
        if exit_code is not None and exit_code < 0:
            reason = f"was killed by {signal.Signals(-exit_code).name}"
        else:
            reason = f"ended with code {exit_code}"
        memory = " Most often the machine's memory ran out." if reason.endswith("SIGKILL") else ""
        super().__init__(
            f"The process on {device} {reason} in the middle of its work.{memory}\n"
            "Run the same command again: it resumes. Fewer devices at a time need less memory."
        )
        self.device = device


def visible_devices(setting: str = "auto", *, name: str = "device") -> list[str]:
    """Return the devices that a setting asks for: `auto`, one, or several such as `cuda:0,cuda:2`.

    `auto` is every CUDA device, else Apple's, else the processor; `cuda` is every CUDA device.

    Raises:
        SettingError: a device that this machine does not have; `name` is the setting's, for the message.
    """
    from dubkit.ltx.memory import devices_here

    here = devices_here()
    cuda = [device for device in here if device.startswith("cuda")]
    if setting == "auto":
        return cuda or here[:1]
    if setting == "cuda" and cuda:
        return cuda
    devices = [device.strip() for device in setting.split(",")]
    for device in devices:
        if device not in here:
            expected = f"{device or 'nothing'} is not here; there is {', '.join(here)}"
            raise SettingError(name, setting, expected)
    return list(dict.fromkeys(devices))


def run_on_devices(
    devices: Sequence[str],
    open_worker: Callable[[str], Worker[Job, Result]],
    jobs: Sequence[Job],
    progress: Progress[Job] | None = None,
    on_loss: OnLoss | None = None,
) -> Iterator[tuple[Job, Result | Exception]]:
    """Yield every job once with its result or its error, in the order in which they end.

    With one device, or one job, all is done in this process. Otherwise each device has a process of its own,
    which opens its worker once; the jobs, the results and `open_worker` must pickle. If a worker cannot be
    opened, jobs that no other device takes fail with its error. Closing the iterator, or any error in the
    caller, Ctrl-C too, stops all processes at once.

    Args:
        devices: a name may come twice, for two processes.
        open_worker: called with the device; returns what is called with a job and a `Tell`.
        progress: called in this process with the job, steps done, and steps in all.
        on_loss: called with a device that cannot be used or has died, and why; the others go on.

    Raises:
        ValueError: no device.
    """
    if not devices:
        raise ValueError("There is no device to work on.")
    if min(len(devices), len(jobs)) <= 1:
        yield from _here(devices[0], open_worker, jobs, progress)
        return
    pool: _Pool[Job, Result] = _Pool(deque(jobs), progress, on_loss)
    try:
        for device in devices[: len(jobs)]:
            pool.start(device, open_worker)
        yield from pool.results()
        pool.leave()
    finally:
        pool.stop()


def _here(
    device: str,
    open_worker: Callable[[str], Worker[Job, Result]],
    jobs: Sequence[Job],
    progress: Progress[Job] | None,
) -> Iterator[tuple[Job, Result | Exception]]:
    if not jobs:
        return
    try:
        worker = open_worker(device)
    except Exception as error:
        yield from ((job, error) for job in jobs)
        return
    for job in jobs:

        def tell(step: int, of: int, job: Job = job) -> None:
            if progress:
                progress(job, step, of)

        result: Result | Exception
        try:
            result = worker(job, tell)
        except Exception as error:
            result = error
        yield job, result


@dataclass(slots=True, eq=False)
class _Member(Generic[Job]):
    """One process, and the job that it does."""

    device: str
    process: SpawnProcess
    pipe: connection.Connection
    jobs: list[Job] = field(default_factory=list)
    """The job that it does, if any."""


class _Pool(Generic[Job, Result]):
    """The parent's side: hands out jobs and receives results."""

    def __init__(self, jobs: deque[Job], progress: Progress[Job] | None, on_loss: OnLoss | None) -> None:
        self.jobs = jobs
        self.on_loss = on_loss
        self.progress = progress
        self.members: list[_Member[Job]] = []
        self.started: list[SpawnProcess] = []
        self.last_error: Exception | None = None

    def start(self, device: str, open_worker: Callable[[str], Worker[Job, Result]]) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(device, open_worker, theirs), daemon=True)
        process.start()
        # The pipe must end with the process: that is how its death is noticed.
        theirs.close()
        self.started.append(process)
        self.members.append(_Member(device, process, ours))

    def results(self) -> Iterator[tuple[Job, Result | Exception]]:
        """Yield until every job has come back."""
        while self.members and (self.jobs or any(member.jobs for member in self.members)):
            ready = connection.wait([member.pipe for member in self.members])
            for member in [member for member in self.members if member.pipe in ready]:
                yield from self._hear(member)
        while self.jobs:
            yield self.jobs.popleft(), self.last_error or DubkitError("No device is left to work on.")

    def _hear(self, member: _Member[Job]) -> Iterator[tuple[Job, Result | Exception]]:
        try:
            raw = member.pipe.recv_bytes()
        except (EOFError, OSError):
            yield from self._lost(member)
            return
        try:
            kind, value = pickle.loads(raw)
        except Exception as error:  # A result that pickles need not unpickle.
            kind, value = "done", error
        if kind == "step":
            if self.progress and member.jobs:
                self.progress(member.jobs[0], *value)
            return
        if kind == "unopened":
            self._lose(member, value)
            return
        ended = [(member.jobs.pop(), value)] if kind == "done" else []
        # The process goes on while the caller looks at the result.
        ended += self._give(member)
        yield from ended

    def _give(self, member: _Member[Job]) -> Iterator[tuple[Job, Result | Exception]]:
        """Hand the next job to a free process; a job that cannot be pickled fails at once."""
        while self.jobs:
            job = self.jobs.popleft()
            try:
                raw = pickle.dumps(job)
            except Exception as error:
                yield job, error
                continue
            try:
                member.pipe.send_bytes(raw)
            except OSError:
                # It died while idle: the job was not begun, and goes to another.
                self.jobs.appendleft(job)
                yield from self._lost(member)
            else:
                member.jobs.append(job)
            return

    def _lost(self, member: _Member[Job]) -> Iterator[tuple[Job, Result | Exception]]:
        member.process.join(_STOP_SECONDS)
        error = DeviceLost(member.device, member.process.exitcode)
        self._lose(member, error)
        yield from ((job, error) for job in member.jobs)

    def _lose(self, member: _Member[Job], error: Exception) -> None:
        self.last_error = error
        self.members.remove(member)
        if self.on_loss:
            self.on_loss(member.device, error)

    def leave(self) -> None:
        """Let idle processes end by themselves."""
        for member in self.members:
            member.pipe.close()
        for process in self.started:
            process.join(_STOP_SECONDS)

    def stop(self) -> None:
        """End every process at once, at work or not."""
        for process in self.started:
            process.terminate()
        for process in self.started:
            process.join(_STOP_SECONDS)
            if process.is_alive():
                process.kill()
                process.join()
            process.close()
        for member in self.members:
            member.pipe.close()


# --- the side of the process


def _serve(device: str, open_worker: Callable[[str], Worker[Any, Any]], pipe: connection.Connection) -> None:
    """Open the worker, and do jobs until the pipe ends."""
    # Ctrl-C reaches every process of the terminal; the parent decides, and stops this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        worker = open_worker(device)
    except Exception as error:
        _send(pipe, "unopened", _portable(error))
        return
    _send(pipe, "free", None)
    while True:
        try:
            raw = pipe.recv_bytes()
        except (EOFError, OSError):
            return
        try:
            result = worker(pickle.loads(raw), lambda step, of: _send(pipe, "step", (step, of)))
        except Exception as error:
            result = _portable(error)
        try:
            _send(pipe, "done", result)
        except OSError:
            return
        except Exception as error:
            _send(pipe, "done", _portable(error))


def _send(pipe: connection.Connection, kind: str, value: Any) -> None:
    pipe.send((kind, value))


def _end_with_parent() -> None:
    """End this process when its parent ends, in whatever way and in the middle of any job."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _portable(error: Exception) -> Exception:
    """Return an error that can be pickled and says where it came from."""
    if not isinstance(error, DubkitError):
        error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        kind = DubkitError if isinstance(error, DubkitError) else RuntimeError
        message = str(error) if kind is DubkitError else f"{type(error).__name__}: {error}"
        other = kind(message)
        for note in getattr(error, "__notes__", []):
            other.add_note(note)
        return other
    return error
