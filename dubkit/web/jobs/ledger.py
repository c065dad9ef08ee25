"""Rows of the job tables as values, and the one place that writes events and states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from dubkit.web.database import now
from dubkit.web.jobs.kinds import Job, JobEvent, JobMissing, JobProgress, State, Work
from dubkit.web.jobs.states import state_after
from dubkit.web.jobs.tables import EventRow, JobRow

TRACE = 20_000
"""Longest text kept of one error or trace, in characters."""


def as_job(row: JobRow) -> Job:
    """Return a row as people see it."""
    return Job(
        id=row.id,
        work=msgspec.convert(row.work, Work),
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
    )


def as_event(row: EventRow) -> JobEvent:
    """Return an event's row as a value."""
    return JobEvent(row.number, row.at, row.kind, row.detail)


def new_row(id: str, work: Work, owner: str, *, owning: bool) -> JobRow:
    """Return the row of a job that has no event yet."""
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
    )


def locked_row(session: Session, job: str) -> JobRow:
    """Return a job's row for writing; nobody else writes it until the transaction ends. Raises JobMissing."""
    row = session.scalar(select(JobRow).where(JobRow.id == job).with_for_update())
    if row is None:
        raise JobMissing(f"There is no job {job}.")
    return row


def append(
    session: Session, row: JobRow, kind: str, detail: Mapping[str, Any], at: datetime | None = None
) -> None:
    """Record an event of a job, and with it the state it leads to. The row is new or locked."""
    row.state = state_after(msgspec.convert(row.state, State) if row.state else None, kind, detail)
    row.updated = at or now()
    if kind == "progress":
        # What went before is told by the newest: a job of hours keeps one of them in a row, not thousands.
        session.execute(
            delete(EventRow).where(
                EventRow.job == row.id, EventRow.number == row.events, EventRow.kind == "progress"
            )
        )
    row.events += 1
    session.flush()
    session.add(EventRow(job=row.id, number=row.events, at=row.updated, kind=kind, detail=dict(detail)))


def end(session: Session, row: JobRow, state: State, error: str = "") -> None:
    """Record the end of a job."""
    # PostgreSQL takes no NUL, and no encoding takes half of a letter, as a file name may hold.
    row.error = error[:TRACE].replace("\0", "").encode("utf-8", "replace").decode()
    row.lease_until, row.worker = None, ""
    append(session, row, "finished", {"state": state, "error": row.error})
