"""A worker: one process that takes jobs from the queue and does them, one at a time."""

from __future__ import annotations

import logging
import os
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from sqlalchemy.exc import OperationalError, SQLAlchemyError

from dubkit.config import Settings, declared
from dubkit.episode.store import EpisodeStore
from dubkit.errors import DubkitError
from dubkit.studio import Session, continued
from dubkit.web.jobs.allowed import check_settings
from dubkit.web.jobs.halt import Halt, Halted
from dubkit.web.jobs.kinds import LeaseLost
from dubkit.web.jobs.leases import Bench, Claimed, Ending, Leases
from dubkit.web.jobs.perform import (
    ending_of,
    episode_of,
    perform,
    request_of,
    will_generate,
)
from dubkit.web.jobs.reporter import Reporter
from dubkit.web.jobs.shares import Shares

log = logging.getLogger(__name__)

TRACE = 20_000
"""Longest trace kept of an unexpected error, in characters."""

NOTICE = 2.0
"""Longest time in seconds until a worker learns that its job was cancelled."""

OpenSession = Callable[[Mapping[str, str]], Session]
"""Makes a session of the server's settings with a job's over them."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When a worker looks and speaks, in seconds."""

    lease: float
    pause: float = 0.5
    """Between two looks into an empty queue."""
    patience: float = 10.0
    """A cancelled job that reaches no item for so long is stopped wherever it is."""


class Worker:
    """Takes jobs and does them until it is asked to end."""

    def __init__(
        self, leases: Leases, bench: Bench, open_session: OpenSession, rhythm: Rhythm, halt: Halt
    ) -> None:
        self._leases = leases
        self._bench = bench
        self._open_session = open_session
        self._rhythm = rhythm
        self._halt = halt

    def run(self, *, once: bool = False) -> None:
        """Work until the process is asked to end, or (`once`) until no job waits.

        Ends too when a job was broken into: then this process may not be whole any more.
        """
        while not self._halt.stopping.is_set() and not self._halt.broken:
            try:
                claimed = self._leases.claim(self._bench, self._rhythm.lease)
                if claimed is not None:
                    self._work_on(claimed)
                elif once:
                    return
                else:
                    self._halt.stopping.wait(self._rhythm.pause)
            except OperationalError as error:
                if once:
                    raise
                # A job that was running comes back when its lease has run out.
                log.warning("the database does not answer: %s", error)
                self._halt.stopping.wait(self._rhythm.patience)

    def _work_on(self, claimed: Claimed) -> None:
        self._halt.forget()
        log.info("job %s: begins (%s)", claimed.job.id, claimed.job.work.kind)
        try:
            with Heart(self._leases, claimed, self._rhythm, self._halt):
                self._settle(claimed)
        except LeaseLost:
            log.warning("job %s: its lease was lost, so its result is left to another worker", claimed.job.id)

    def _settle(self, claimed: Claimed) -> None:
        """Do the work and record how it ended. Raises LeaseLost."""
        try:
            with self._halt.work():
                ending = self._do(claimed)
        except Halted as halted:
            self._halt.disarm()
            if halted.reason == "lost":
                raise LeaseLost(f"Job {claimed.job.id} is no longer this worker's.") from None
            if halted.reason == "stop":
                return self._leases.release(claimed)
            ending = Ending("cancelled")
        if ending is None:
            return self._leases.release(claimed, needs_generator=True)
        self._leases.finish(claimed, ending)
        log.info("job %s: %s", claimed.job.id, ending.state)

    def _do(self, claimed: Claimed) -> Ending | None:
        """Return how the work ended; None when it needs a graphics card that this job does not hold."""
        work = claimed.job.work
        settings: Settings | None = None
        try:
            check_settings(work.settings)
            session = self._open_session(self._own_card(claimed))
            if work.kind != "dub":
                session = continued(session, EpisodeStore(session.output / work.episode))
            settings = session.settings
            episode = episode_of(session.output, Path(work.source))
            if episode != work.episode:
                self._leases.opened(claimed, episode)
            if will_generate(session, work) and claimed.generator is None:
                return None
            shares = Shares(request_of(work), session, session.speeds)
            ending = ending_of(perform(session, work, Reporter(self._leases, claimed, shares, self._halt)))
            if ending.state == "failed":
                self._halt.check()  # a stage may have recorded the interruption as its failure
            return ending
        except (LeaseLost, SQLAlchemyError):
            raise  # nothing about the job: it is for whoever has it next
        except DubkitError as error:
            self._halt.check()
            return Ending("failed", _without_secrets(str(error), settings))
        except Exception as error:
            # An import that is broken into says that it failed, not why.
            self._halt.check()
            log.exception("job %s: unexpected error", claimed.job.id)
            trace = "".join(traceback.format_exception(error))[-TRACE:]
            self._leases.record(claimed, "trace", {"text": _without_secrets(trace, settings)})
            last = traceback.format_exception_only(error)[-1].strip()
            return Ending("failed", _without_secrets(f"Unexpected error: {last}", settings))

    def _own_card(self, claimed: Claimed) -> dict[str, str]:
        """Return the job's settings; with several cards on the host it generates on its own alone."""
        own = dict(claimed.job.work.settings)
        if claimed.generator is not None and self._bench.generators > 1:
            own["dub.devices"] = f"cuda:{claimed.generator}"
        return own


class Heart:
    """A thread that keeps a lease while a job runs, and stops the job when it cannot."""

    def __init__(self, leases: Leases, claimed: Claimed, rhythm: Rhythm, halt: Halt) -> None:
        self._leases = leases
        self._claimed = claimed
        self._rhythm = rhythm
        self._halt = halt
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Heart:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        held = beaten = time.monotonic()
        cancelled = 0.0
        between = min(self._rhythm.lease / 3, NOTICE)
        tick = min(between, 1.0)
        while not self._over.wait(tick):
            self._halt.insist()
            moment = time.monotonic()
            if cancelled and moment - cancelled > self._rhythm.patience:
                self._halt.ask("cancel", urgent=True)
            if moment - beaten < between:
                continue
            beaten = moment
            try:
                beat = self._leases.heartbeat(self._claimed)
            except SQLAlchemyError as error:
                log.warning("job %s: no heartbeat: %s", self._claimed.job.id, error)
                if time.monotonic() - held > self._rhythm.lease:
                    self._halt.ask("lost", urgent=True)
                continue
            held = moment
            if beat.lost:
                self._halt.ask("lost", urgent=True)
            if beat.cancel and not cancelled:
                cancelled = moment
                self._halt.ask("cancel", urgent=False)


def watch_parent(parent: int, halt: Halt) -> None:
    """End this process when its parent has died, however it died."""

    def watch() -> None:
        while os.getppid() == parent:
            if halt.stopping.wait(1.0):
                return
        halt.end()

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _without_secrets(text: str, settings: Settings | None) -> str:
    if settings is None:
        return text
    values = [settings.value(entry.name) for entry in declared() if entry.secret]
    for value in sorted(filter(None, values), key=len, reverse=True):
        text = text.replace(value, "***")
    return text
