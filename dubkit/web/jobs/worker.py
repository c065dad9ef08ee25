"""A worker: one process that takes jobs from the queue and does them, one at a time."""

from __future__ import annotations

import logging
import os
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from sqlalchemy.exc import OperationalError, SQLAlchemyError

from dubkit.config import Settings, all_settings
from dubkit.episode.store import EpisodeStore
from dubkit.errors import DubkitError
from dubkit.studio import Session, with_last_settings
from dubkit.web.jobs.allowed import check_settings
from dubkit.web.jobs.films import FilmReporter, film_addresses, make_job_film
from dubkit.web.jobs.kinds import LeaseLost
from dubkit.web.jobs.leases import Ending, HeldJob, Leases, WorkerIdentity
from dubkit.web.jobs.perform import (
    ending_of,
    episode_of,
    perform,
    request_of,
    will_generate,
)
from dubkit.web.jobs.reporter import Reporter
from dubkit.web.jobs.shares import Shares
from dubkit.web.jobs.stopping import JobStopped, StopToken

log = logging.getLogger(__name__)

TRACE = 20_000
"""Longest traceback kept of an unexpected error, in characters."""

NOTICE = 2.0
"""Seconds within which a worker learns that its job was cancelled."""

OpenSession = Callable[[Mapping[str, str]], Session]
"""Opens a session with the server's settings and a job's over them."""


@dataclass(frozen=True, slots=True)
class WorkerTiming:
    """How often a worker asks for jobs and reports, in seconds."""

    lease: float
    pause: float = 0.5
    """Between two requests to an empty queue."""
    patience: float = 10.0
    """A cancelled job that has not reached its next item by then is stopped wherever it is."""


class JobWorker:
    """Takes jobs and does them until it is asked to end."""

    def __init__(
        self,
        leases: Leases,
        identity: WorkerIdentity,
        open_session: OpenSession,
        timing: WorkerTiming,
        stop: StopToken,
    ) -> None:
        self._leases = leases
        self._identity = identity
        self._open_session = open_session
        self._timing = timing
        self._stop = stop

    def run(self, *, once: bool = False) -> None:
        """Do jobs until the process is asked to end, or (`once`) until no job waits.

        Ends also when a job was interrupted: modules of this process may be half imported then.
        """
        while not self._stop.ending.is_set() and not self._stop.interrupted:
            try:
                held = self._leases.claim(self._identity, self._timing.lease)
                if held is not None:
                    self._work_on(held)
                elif once:
                    return
                else:
                    self._stop.ending.wait(self._timing.pause)
            except OperationalError as error:
                if once:
                    raise
                # A job that was running comes back when its lease has run out.
                log.warning("the database does not answer: %s", error)
                self._stop.ending.wait(self._timing.patience)

    def _work_on(self, held: HeldJob) -> None:
        self._stop.reset()
        log.info("job %s: begins (%s)", held.job.id, held.job.work.kind)
        try:
            with Heartbeat(self._leases, held, self._timing, self._stop):
                self._settle(held)
        except LeaseLost:
            log.warning("job %s: the lease was lost; another worker does the job", held.job.id)

    def _settle(self, held: HeldJob) -> None:
        """Do the work and record how it ended. Raises LeaseLost."""
        try:
            with self._stop.work():
                ending = self._do(held)
        except JobStopped as stopped:
            self._stop.disarm()
            if stopped.reason == "lost":
                raise LeaseLost(f"Job {held.job.id} is no longer this worker's.") from None
            if stopped.reason == "stop":
                return self._leases.release(held)
            ending = Ending("cancelled")
        if ending is None:
            return self._leases.release(held, needs_generator=True)
        self._leases.finish(held, ending)
        log.info("job %s: %s", held.job.id, ending.state)

    def _do(self, held: HeldJob) -> Ending | None:
        """Return how the work ended; None when it needs a graphics card and the job holds none."""
        work = held.job.work
        settings: Settings | None = None
        try:
            check_settings(work.settings)
            session = self._open_session(self._own_card(held))
            if work.kind == "generate":
                settings = session.settings
                return self._film(held, session)
            if work.kind != "dub":
                store = EpisodeStore(session.output / work.episode)
                session = with_last_settings(session, store, to_run=True)
            settings = session.settings
            episode = episode_of(session.output, Path(work.source))
            if episode != work.episode:
                self._leases.opened(held, episode)
            if will_generate(session, work) and held.generator is None:
                return None
            shares = Shares(request_of(work), session, session.speeds)
            outcomes = perform(session, work, Reporter(self._leases, held, shares, self._stop))
            ending = ending_of(outcomes, only_made=work.kind == "regenerate")
            if ending.state == "failed":
                self._stop.check()  # a stage may have recorded the interruption as its failure
            return ending
        except (LeaseLost, SQLAlchemyError):
            raise  # not the fault of the job: the next worker may do it
        except DubkitError as error:
            self._stop.check()
            return Ending("failed", _without_secrets(str(error), settings))
        except Exception as error:
            # An interrupted import raises its own error and hides the reason.
            self._stop.check()
            log.exception("job %s: unexpected error", held.job.id)
            trace = "".join(traceback.format_exception(error))[-TRACE:]
            self._leases.record(held, "trace", {"text": _without_secrets(trace, settings)})
            last = traceback.format_exception_only(error)[-1].strip()
            return Ending("failed", _without_secrets(f"Unexpected error: {last}", settings))

    def _film(self, held: HeldJob, session: Session) -> Ending | None:
        """Return how the work on a film ended; None when it waits for a graphics card of its own."""
        if held.generator is None:
            return None
        ending = make_job_film(session, held.job.work, FilmReporter(self._leases, held, self._stop))
        return replace(ending, detail=film_addresses(held.job.id))

    def _own_card(self, held: HeldJob) -> dict[str, str]:
        """Return the job's settings; on a host with several cards it generates on its own card only."""
        own = dict(held.job.work.settings)
        if held.generator is not None and self._identity.generators > 1:
            own["dub.devices"] = f"cuda:{held.generator}"
        return own


class Heartbeat:
    """A thread that keeps a lease while a job runs, and stops the job when it cannot."""

    def __init__(self, leases: Leases, held: HeldJob, timing: WorkerTiming, stop: StopToken) -> None:
        self._leases = leases
        self._held = held
        self._timing = timing
        self._stop = stop
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        answered = asked = time.monotonic()
        cancelled = 0.0
        between = min(self._timing.lease / 3, NOTICE)
        tick = min(between, 1.0)
        while not self._over.wait(tick):
            self._stop.insist()
            moment = time.monotonic()
            if cancelled and moment - cancelled > self._timing.patience:
                self._stop.ask("cancel", urgent=True)
            if moment - asked < between:
                continue
            asked = moment
            try:
                reply = self._leases.heartbeat(self._held)
            except SQLAlchemyError as error:
                log.warning("job %s: no heartbeat: %s", self._held.job.id, error)
                if time.monotonic() - answered > self._timing.lease:
                    self._stop.ask("lost", urgent=True)
                continue
            answered = moment
            if reply.lost:
                self._stop.ask("lost", urgent=True)
            if reply.cancel and not cancelled:
                cancelled = moment
                self._stop.ask("cancel", urgent=False)


def watch_parent(parent: int, stop: StopToken) -> None:
    """End this process when its parent has died, in whatever way."""

    def watch() -> None:
        while os.getppid() == parent:
            if stop.ending.wait(1.0):
                return
        stop.end()

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _without_secrets(text: str, settings: Settings | None) -> str:
    if settings is None:
        return text
    values = [settings.value(entry.name) for entry in all_settings() if entry.secret]
    for value in sorted(filter(None, values), key=len, reverse=True):
        text = text.replace(value, "***")
    return text
