"""Leases: how workers take jobs, keep them, and record what becomes of them.

Every claim raises the job's `lease` number; a worker writes only while its own number is the newest, so a
worker that seemed dead and comes back cannot change anything. Slots are taken and given back with the lease.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import delete, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dubkit.batch.machine import held_memory
from dubkit.batch.needs import BASE_MEMORY
from dubkit.batch.rule import MachineRoom, RunningWork, WorkNeeds, admit
from dubkit.web.database import Database, now
from dubkit.web.jobs.kinds import Job, JobProgress, LeaseLost
from dubkit.web.jobs.ledger import append, as_job, end, locked_row
from dubkit.web.jobs.states import MOVES
from dubkit.web.jobs.tables import JobRow, SlotRow
from dubkit.web.jobs.turns import next_row

JOB_MEMORY = BASE_MEMORY
"""Bytes that a job is expected to take, whatever it does; more is not known before it is opened."""

NEARLY = 0.999
"""Largest share done that a job shows before it has ended."""


@dataclass(frozen=True, slots=True)
class WorkerIdentity:
    """Who a worker is, and how much its host can do."""

    worker: str
    """Name of the worker, such as `host:pid`."""
    host: str
    generators: int = 1
    """How many jobs may generate clips on this host at once."""
    free_memory: Callable[[], int] | None = None
    """Asks for the bytes that jobs may still take on this host; without it memory is not asked."""


@dataclass(frozen=True, slots=True)
class HeldJob:
    """A job that a worker holds."""

    job: Job
    lease: int
    lease_seconds: float
    generator: int | None = None
    """Number of the graphics card reserved for this job."""


@dataclass(frozen=True, slots=True)
class HeartbeatReply:
    """What a worker learns from a heartbeat."""

    lost: bool
    """The lease was lost: the job is no longer this worker's."""
    cancel: bool
    """Somebody cancelled the job."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job ended."""

    state: Literal["done", "degraded", "failed", "cancelled"]
    error: str = ""
    degraded: tuple[str, ...] = ()
    result: Mapping[str, Any] = field(default_factory=dict)
    detail: Mapping[str, Any] = field(default_factory=dict)
    """What else the last event says."""


class Leases:
    """The workers' side of the queue."""

    def __init__(self, database: Database, *, max_attempts: int) -> None:
        self.database = database
        self.max_attempts = max_attempts

    def claim(self, identity: WorkerIdentity, lease_seconds: float) -> HeldJob | None:
        """Take the job whose turn it is of those that can run here, with its slots; None when there is none.

        Jobs on one episode run one at a time and in order; `dubkit.web.jobs.turns` says whose turn it is.
        First, leases that ran out are ended: their jobs
        go back to the queue, or have failed.
        """
        while self._waiting():
            try:
                with self.database.transaction() as session:
                    self._reap(session)
                    return self._claim(session, identity, lease_seconds)
            except IntegrityError:
                continue  # another worker took one of the slots at the same moment
        return None

    def heartbeat(self, held: HeldJob) -> HeartbeatReply:
        """Extend a lease, and tell whether it still holds."""
        try:
            with self._locked(held) as (session, row):
                row.lease_until = self._time(session) + timedelta(seconds=held.lease_seconds)
                return HeartbeatReply(lost=False, cancel=row.cancelling)
        except LeaseLost:
            return HeartbeatReply(lost=True, cancel=False)

    def record(
        self, held: HeldJob, kind: str, detail: Mapping[str, Any], progress: JobProgress | None = None
    ) -> None:
        """Record an event that changes no state. Raises LeaseLost."""
        if kind in MOVES:
            raise ValueError(f"{kind} changes a state: a worker may not record it")
        with self._locked(held) as (session, row):
            append(session, row, kind, detail, self._time(session))
            if progress is not None:
                share = max(row.progress["share"], min(progress.share, NEARLY))
                row.progress = asdict(replace(progress, share=share))

    def opened(self, held: HeldJob, episode: str) -> None:
        """Record which episode folder the job's source has. Raises LeaseLost."""
        with self._locked(held) as (session, row):
            append(session, row, "opened", {"episode": episode}, self._time(session))
            # The owner of the folder named before need not own this one.
            others = select(JobRow.number).where(
                JobRow.episode == episode, JobRow.owning, JobRow.lease > 0, JobRow.owner != row.owner
            )
            row.owning = row.work["kind"] == "dub" and session.scalar(others.limit(1)) is None
            row.episode, row.work = episode, {**row.work, "episode": episode}

    def finish(self, held: HeldJob, ending: Ending) -> None:
        """Record the end of a job and give back its slots. Raises LeaseLost."""
        with self._locked(held) as (session, row):
            row.degraded, row.result = list(ending.degraded), dict(ending.result)
            if ending.state in ("done", "degraded"):
                row.progress = {**row.progress, "share": 1.0, "left_seconds": 0.0}
            _give_back_slots(session, row)
            end(session, row, ending.state, ending.error, ending.detail)

    def release(self, held: HeldJob, *, needs_generator: bool = False) -> None:
        """Hand an unfinished job back; the attempt does not count. Raises LeaseLost.

        With `needs_generator` it will only run with a graphics card of its own.
        """
        with self._locked(held) as (session, row):
            row.attempt -= 1
            row.needs_generator = row.needs_generator or needs_generator
            _back_to_queue(session, row, "released", {"for_generator": needs_generator})

    # inside a transaction

    def _waiting(self) -> bool:
        """Tell whether there may be something to do, without blocking a writer."""
        with self.database.reading() as session:
            queued = JobRow.state == "queued"
            late = (JobRow.state == "running") & (JobRow.lease_until < self._time(session))
            return session.scalar(select(JobRow.number).where(or_(queued, late)).limit(1)) is not None

    def _reap(self, session: Session) -> None:
        late = select(JobRow).where(JobRow.state == "running", JobRow.lease_until < self._time(session))
        for row in session.scalars(late.with_for_update(skip_locked=True)).all():
            lost = {"worker": row.worker, "attempt": row.attempt}
            _back_to_queue(session, row, "lease-lost", lost)
            if row.state == "queued" and row.attempt >= self.max_attempts:
                times = f"{row.attempt} times" if row.attempt > 1 else "once"
                end(session, row, "failed", f"Its worker died {times}; the log of the worker may say why.")

    def _claim(self, session: Session, identity: WorkerIdentity, lease_seconds: float) -> HeldJob | None:
        running, room = _on_this_host(session, identity), _room(identity)
        plain = admit(WorkNeeds(JOB_MEMORY), running, room)
        generating = admit(WorkNeeds(JOB_MEMORY, card=True), running, room)
        row = next_row(session, generators=generating.start) if plain.start else None
        if row is None:
            return None
        number = generating.card if row.needs_generator else None
        session.add(SlotRow(name=f"episode:{row.episode}", job=row.id))
        if number is not None:
            session.add(SlotRow(name=f"generator:{identity.host}:{number}", job=row.id))
        moment = self._time(session)
        row.attempt += 1
        row.lease += 1
        row.worker, row.lease_until = identity.worker, moment + timedelta(seconds=lease_seconds)
        row.begun = moment
        append(session, row, "leased", {"worker": identity.worker, "attempt": row.attempt}, moment)
        session.flush()
        return HeldJob(as_job(row), row.lease, lease_seconds, number)

    @contextmanager
    def _locked(self, held: HeldJob) -> Iterator[tuple[Session, JobRow]]:
        with self.database.transaction() as session:
            row = locked_row(session, held.job.id)
            if row.state != "running" or row.lease != held.lease:
                raise LeaseLost(f"Job {row.id} is no longer this worker's.")
            yield session, row

    def _time(self, session: Session) -> datetime:
        """Return the time of the database's clock: workers on several hosts must agree when a lease ends."""
        if self.database.sqlite:
            return now()
        moment: datetime = session.scalars(select(func.clock_timestamp())).one()
        return moment


def _room(identity: WorkerIdentity) -> MachineRoom:
    memory = identity.free_memory() if identity.free_memory is not None else None
    return MachineRoom(memory=memory, cards=identity.generators)


def _on_this_host(session: Session, identity: WorkerIdentity) -> list[RunningWork]:
    """Return the jobs that run on the worker's host, each with its card, as the rule of batches sees them."""
    prefix = f"generator:{identity.host}:"
    slots = select(SlotRow.job, SlotRow.name).where(SlotRow.name.startswith(prefix, autoescape=True))
    cards = {job: int(name.removeprefix(prefix)) for job, name in session.execute(slots)}
    here = JobRow.worker.startswith(f"{identity.host}:", autoescape=True)
    workers = select(JobRow.id, JobRow.worker).where(JobRow.state == "running", here)
    running = {job: worker for job, worker in session.execute(workers)}
    asks = identity.free_memory is not None
    return [
        RunningWork(
            WorkNeeds(JOB_MEMORY, card=job in cards),
            memory=_held(running.get(job, "")) if asks else JOB_MEMORY,
            card=cards.get(job),
        )
        for job in {**running, **cards}
    ]


def _held(worker: str) -> int:
    """Return the bytes that a worker of this host, `host:pid`, holds."""
    _, _, pid = worker.rpartition(":")
    return held_memory(int(pid)) if pid.isdecimal() else 0


def _back_to_queue(session: Session, row: JobRow, kind: str, detail: Mapping[str, Any]) -> None:
    _give_back_slots(session, row)
    row.lease_until, row.worker = None, ""
    append(session, row, kind, detail)
    if row.cancelling:
        end(session, row, "cancelled")


def _give_back_slots(session: Session, row: JobRow) -> None:
    session.execute(delete(SlotRow).where(SlotRow.job == row.id))
