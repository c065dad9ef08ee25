"""The queue of jobs: submit, list, cancel and retry them, and read their events."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict

from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dubkit.errors import DubkitError
from dubkit.web.database import Database
from dubkit.web.jobs.allowed import check_settings
from dubkit.web.jobs.kinds import (
    ENDED,
    PRIORITIES,
    STATES,
    USUAL,
    Job,
    JobConflict,
    JobEvent,
    JobProgress,
    JobWork,
    Place,
    Priority,
    TooManyJobs,
)
from dubkit.web.jobs.ledger import append, as_event, as_job, end, locked_row, new_row
from dubkit.web.jobs.tables import EventRow, JobRow

MOST_WAITING = 500
"""As many as one batch may have."""


class JobQueue:
    """Jobs in the database. Every method is a transaction, so threads may share a queue."""

    def __init__(self, database: Database, most_waiting: int = MOST_WAITING) -> None:
        self.database = database
        self.most_waiting = most_waiting
        """Jobs of one person that may wait."""

    def submit(
        self,
        work: JobWork,
        owner: str,
        *,
        key: str = "",
        shared: Collection[str] = (),
        place: Place = USUAL,
    ) -> Job:
        """Put a job into the queue.

        With a `key` that the owner has used before, the job of then is returned. `shared` names episodes that
        exist and are not the owner's: a job on one of them does not change that.
        Raises SettingError for a setting that jobs may not have, JobConflict for a key used for other work,
        TooManyJobs where the owner has too many that wait.
        """
        return self._submit_all([work], owner, key, shared, [place])[0]

    def submit_many(
        self,
        works: Sequence[JobWork],
        owner: str,
        *,
        key: str = "",
        shared: Collection[str] = (),
        priorities: Sequence[Priority] = (),
    ) -> list[Job]:
        """Put several jobs into the queue as one batch: all or none."""
        batch = _new_id()
        ranks = priorities or ["normal"] * len(works)
        return self._submit_all(works, owner, key, shared, [Place(rank, batch=batch) for rank in ranks])

    def _submit_all(
        self,
        works: Sequence[JobWork],
        owner: str,
        key: str,
        shared: Collection[str],
        places: Sequence[Place],
    ) -> list[Job]:
        for work in works:
            _check(work)

        def row_of(number: int) -> JobRow:
            work = works[number]
            owning = work.kind in ("dub", "generate") and work.episode not in shared
            return new_row(_new_id(), work, owner, places[number], owning=owning)

        try:
            return self._submit(works, owner, key, row_of)
        except IntegrityError:
            # The key was used at the same moment, so its jobs are there now.
            return self._submit(works, owner, key, row_of)

    def get(self, job: str) -> Job | None:
        """Return a job, or None when there is no such job."""
        with self.database.reading() as session:
            row = session.scalar(select(JobRow).where(JobRow.id == job, JobRow.trashed == ""))
            return as_job(row) if row is not None else None

    def jobs(
        self,
        *,
        owner: str | None = None,
        state: str = "",
        episode: str = "",
        limit: int = 100,
        before: str = "",
        without: Collection[str] = (),
    ) -> list[Job]:
        """Return jobs, newest first; `before` is the last job of the previous page, and `without` names
        episodes whose jobs are left out."""
        query = select(JobRow).where(JobRow.trashed == "").order_by(JobRow.number.desc()).limit(limit)
        if owner is not None:
            query = query.where(JobRow.owner == owner)
        if state:
            query = query.where(JobRow.state == state)
        if episode:
            query = query.where(JobRow.episode == episode)
        if without:
            query = query.where(JobRow.episode.not_in(without))
        if before:
            query = query.where(
                JobRow.number < select(JobRow.number).where(JobRow.id == before).scalar_subquery()
            )
        with self.database.reading() as session:
            return [as_job(row) for row in session.scalars(query)]

    def cancel(self, job: str) -> Job:
        """Cancel a job: at once while it waits, at the next item while it runs.

        Raises JobConflict when it has ended, JobMissing when there is no such job.
        """
        with self.database.transaction() as session:
            row = locked_row(session, job)
            if row.state in ENDED:
                raise JobConflict(f"Job {job} has ended ({row.state}) and cannot be cancelled.")
            if not row.cancelling:
                row.cancelling = True
                append(session, row, "cancel-requested", {})
            if row.state == "queued":
                end(session, row, "cancelled")
            return as_job(row)

    def retry(self, job: str) -> Job:
        """Put a job that has ended back into the queue; what it finished is reused.

        Raises JobConflict when it has not ended, JobMissing when there is no such job.
        """
        with self.database.transaction() as session:
            row = locked_row(session, job)
            if row.state not in ENDED:
                raise JobConflict(f"Job {job} is {row.state}; only a job that has ended can be retried.")
            self._check_room(session, row.owner, 1)
            append(session, row, "retried", {})
            row.attempt, row.cancelling, row.error = 0, False, ""
            row.degraded, row.result, row.progress = [], {}, asdict(JobProgress())
            return as_job(row)

    def events(self, job: str, after: int = 0, limit: int = 1000) -> list[JobEvent]:
        """Return the events of a job after number `after`, oldest first."""
        query = (
            select(EventRow)
            .where(EventRow.job == job, EventRow.number > after)
            .order_by(EventRow.number)
            .limit(limit)
        )
        with self.database.reading() as session:
            return [as_event(row) for row in session.scalars(query)]

    def all_events(self, job: str, after: int = 0) -> list[JobEvent]:
        """Return all events of a job after number `after`, read page by page."""
        events: list[JobEvent] = []
        while page := self.events(job, events[-1].number if events else after):
            events += page
        return events

    def counts(self) -> dict[str, int]:
        """Return how many jobs there are in each state."""
        with self.database.reading() as session:
            listed = select(JobRow.state, func.count()).where(JobRow.trashed == "")
            rows = session.execute(listed.group_by(JobRow.state)).all()
        return {state: 0 for state in STATES} | {state: count for state, count in rows}

    def episodes(self, owner: str) -> frozenset[str]:
        """Return the episodes that a person has jobs on."""
        with self.database.reading() as session:
            return frozenset(session.scalars(select(JobRow.episode).where(JobRow.owner == owner).distinct()))

    def owners(self, episode: str) -> frozenset[str]:
        """Return whose jobs made an episode, or while there are none, whose jobs wait to make it."""
        return self.owners_of([episode])[episode]

    def owners_of(self, episodes: Collection[str]) -> dict[str, frozenset[str]]:
        """Return the owners of each of the episodes.

        Until a worker begins a job, its episode is only a name that another source may get first.
        """
        begun = JobRow.lease > 0
        query = select(JobRow.episode, JobRow.owner, begun).where(
            JobRow.episode.in_(episodes), JobRow.owning, or_(begun, JobRow.state == "queued")
        )
        with self.database.reading() as session:
            rows = session.execute(query.distinct()).all()
        makers: dict[str, set[str]] = {name: set() for name in episodes}
        waiting: dict[str, set[str]] = {name: set() for name in episodes}
        for name, owner, worked in rows:
            (makers if worked else waiting)[name].add(owner)
        return {name: frozenset(makers[name] or waiting[name]) for name in episodes}

    def set_priority(self, job: str, priority: Priority) -> Job:
        """Change the place of a waiting job among those of its owner.

        Raises JobConflict when it waits no longer, JobMissing when there is no such job.
        """
        with self.database.transaction() as session:
            row = locked_row(session, job)
            if row.state != "queued":
                raise JobConflict(f"Job {job} is {row.state}; only a job that waits has a priority.")
            row.priority = PRIORITIES[priority]
            return as_job(row)

    def _check_room(self, session: Session, owner: str, more: int) -> None:
        """Raise TooManyJobs where so many more jobs of a person may not wait."""
        waiting = select(func.count()).where(JobRow.owner == owner, JobRow.state == "queued")
        there = session.scalar(waiting) or 0
        if there + more > self.most_waiting:
            raise TooManyJobs(
                f"{owner} has {there} jobs that wait, and {self.most_waiting} is the most "
                f"(serve.max_waiting_jobs). Wait until some are done, or cancel some."
            )

    def _submit(
        self, works: Sequence[JobWork], owner: str, key: str, row_of: Callable[[int], JobRow]
    ) -> list[Job]:
        with self.database.transaction() as session:
            rows = []
            for number, work in enumerate(works):
                own = f"{key}/{number}" if key else None
                row = _with_key(session, owner, own, work) if own else None
                if row is None:
                    self._check_room(session, owner, 1)
                    row = row_of(number)
                    row.key = own
                    session.add(row)
                    append(session, row, "submitted", {"owner": owner, "kind": work.kind})
                rows.append(row)
            session.flush()
            return [as_job(row) for row in rows]


def _new_id() -> str:
    # Letters and digits only: an id that begins with a dash would read as an option on a command line.
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(12))


def _check(work: JobWork) -> None:
    check_settings(work.settings)
    if not work.languages and work.kind != "generate":
        from dubkit.studio import chain

        if not work.until or chain().find(work.until, "until").scope != "episode":
            raise DubkitError("A job must name at least one language, such as pt-BR.")
    if work.kind == "regenerate" and not work.lines:
        raise DubkitError("A job that makes lines again must name at least one line.")


def _with_key(session: Session, owner: str, key: str, work: JobWork) -> JobRow | None:
    row = session.scalar(select(JobRow).where(JobRow.owner == owner, JobRow.key == key))
    if row is not None and as_job(row).work != work:
        raise JobConflict(f"The idempotency key {key.rpartition('/')[0]} was used for other work ({row.id}).")
    return row
