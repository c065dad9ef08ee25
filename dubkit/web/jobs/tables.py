"""Tables of the jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from dubkit.web.database import Moment, Table


class JobRow(Table):
    """A job. `state` follows from its events and is written in the transaction of each event."""

    __tablename__ = "job"
    __table_args__ = (
        UniqueConstraint("owner", "key", name="uq_job_owner_key"),
        Index("ix_job_state_number", "state", "number"),
        Index("ix_job_episode", "episode"),
        Index("ix_job_begun", "begun"),
    )

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    """Order of submission."""
    id: Mapped[str] = mapped_column(String(12), unique=True)
    owner: Mapped[str] = mapped_column(String(200))
    key: Mapped[str | None] = mapped_column(String(200))
    """Idempotency key of the submitter: a repeated request gives the same job."""
    episode: Mapped[str] = mapped_column(String(255))
    owning: Mapped[bool]
    """True when the job makes its owner an owner of the episode."""
    work: Mapped[dict[str, Any]] = mapped_column(JSON)
    needs_generator: Mapped[bool]
    state: Mapped[str] = mapped_column(String(16))
    created: Mapped[datetime] = mapped_column(Moment)
    updated: Mapped[datetime] = mapped_column(Moment)
    attempt: Mapped[int]
    lease: Mapped[int]
    """Number of claims so far; a worker writes only while its own is the newest."""
    worker: Mapped[str] = mapped_column(String(200))
    lease_until: Mapped[datetime | None] = mapped_column(Moment)
    cancelling: Mapped[bool]
    progress: Mapped[dict[str, Any]] = mapped_column(JSON)
    error: Mapped[str] = mapped_column(Text)
    degraded: Mapped[list[str]] = mapped_column(JSON)
    result: Mapped[dict[str, Any]] = mapped_column(JSON)
    events: Mapped[int]
    """Number of the newest event."""
    batch: Mapped[str] = mapped_column(String(12), default="", server_default="")
    """Id of the batch it was submitted with; empty when it was submitted alone."""
    priority: Mapped[int] = mapped_column(default=0, server_default="0")
    """Its place among the jobs of its owner: 1 is sooner, -1 later than the usual 0."""
    short: Mapped[bool] = mapped_column(default=False, server_default=false())
    """True for work of a minute or so, which somebody waits for."""
    begun: Mapped[datetime | None] = mapped_column(Moment)
    """When a worker took it last."""
    trashed: Mapped[str] = mapped_column(String(12), default="", server_default="")
    """Id of the entry of the trash it is in; empty for a job that is listed."""


class EventRow(Table):
    """Something that happened to a job."""

    __tablename__ = "job_event"

    job: Mapped[str] = mapped_column(ForeignKey("job.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(Moment)
    kind: Mapped[str] = mapped_column(String(32))
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)


class SlotRow(Table):
    """Something that only one job may use at a time. It is given back with the job's lease."""

    __tablename__ = "slot"

    name: Mapped[str] = mapped_column(String(300), primary_key=True)
    job: Mapped[str] = mapped_column(ForeignKey("job.id"))
