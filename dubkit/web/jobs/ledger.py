"""Rows of the job tables as values, and the only place that writes events and states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from dubkit.web.database import now
from dubkit.web.jobs.kinds import PRIORITIES, Job, JobEvent, JobMissing, JobProgress, JobWork, Place, State
from dubkit.web.jobs.states import state_after
from dubkit.web.jobs.tables import EventRow, JobRow

TRACE = 20_000
"""Longest text kept of an error, in characters."""


def as_job(row: JobRow) -> Job:
    """Return a row as a job."""
    return Job(
        id=row.id,
        work=msgspec.convert(row.work, JobWork),
        owner=row.owner,
        state=msgspec.convert(row.state, State),
        created=row.created,
        updated=row.updated,
        attempt=row.attempt,
        progress=msgspec.convert(row.progress, JobProgress),
        cancelling=row.cancelling,
        error=row.error,
        degraded=tuple(row.degraded),
        result=row.result,
        batch=row.batch,
        priority=next(name for name, number in PRIORITIES.items() if number == row.priority),
    )


def as_event(row: EventRow) -> JobEvent:
    """Return a row as an event."""
    return JobEvent(row.number, row.at, row.kind, row.detail)


def new_row(id: str, work: JobWork, owner: str, place: Place, *, owning: bool) -> JobRow:
    """Return the row of a new job, before its first event."""
    moment = now()
    return JobRow(
        id=id,
        owner=owner,
        key=None,
        episode=work.episode,
        owning=owning,
        work=asdict(work),
        needs_generator=False,
        state="",
        created=moment,
        updated=moment,
        attempt=0,
        lease=0,
        worker="",
        lease_until=None,
        cancelling=False,
        progress=asdict(JobProgress()),
        error="",
        degraded=[],
        result={},
        events=0,
        batch=place.batch,
        priority=PRIORITIES[place.priority],
        short=place.short,
        begun=None,
        trashed="",
    )


def locked_row(session: Session, job: str) -> JobRow:
    """Return a job's row for writing; nobody else can write it in this transaction. Raises JobMissing."""
    row = session.scalar(select(JobRow).where(JobRow.id == job).with_for_update())
    if row is None:
        raise JobMissing(f"There is no job {job}.")
    return row


def append(
    session: Session, row: JobRow, kind: str, detail: Mapping[str, Any], at: datetime | None = None
) -> None:
    """Record an event of a job and the state it leads to. The row must be new or locked."""
    row.state = state_after(msgspec.convert(row.state, State) if row.state else None, kind, detail)
    row.updated = at or now()
    if kind == "progress":
        # The newest says it all: a job of hours keeps one progress event in a row, not thousands.
        session.execute(
            delete(EventRow).where(
                EventRow.job == row.id, EventRow.number == row.events, EventRow.kind == "progress"
            )
        )
    row.events += 1
    session.flush()
    session.add(EventRow(job=row.id, number=row.events, at=row.updated, kind=kind, detail=dict(detail)))


def end(
    session: Session, row: JobRow, state: State, error: str = "", detail: Mapping[str, Any] | None = None
) -> None:
    """Record the end of a job; `detail` is what else its last event says."""
    # PostgreSQL takes no NUL, and UTF-8 no lone surrogates, which file names may hold.
    row.error = error[:TRACE].replace("\0", "").encode("utf-8", "replace").decode()
    row.lease_until, row.worker = None, ""
    append(session, row, "finished", {**(detail or {}), "state": state, "error": row.error})
