"""Look for jobs by film, person, day and state."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select

from dubkit.web.database import Database
from dubkit.web.jobs.kinds import ENDED, Job
from dubkit.web.jobs.ledger import as_job
from dubkit.web.jobs.tables import JobRow


@dataclass(frozen=True, slots=True)
class JobSearch:
    """What jobs are looked for; an empty field lets all through."""

    state: str = ""
    episode: str = ""
    """Name of the episode, as it is."""
    film: str = ""
    """Part of the name of the episode; upper and lower case are the same."""
    owner: str = ""
    """Part of the name of the owner."""
    since: datetime | None = None
    """Submitted at this time or later."""
    until: datetime | None = None
    """Submitted before this time."""
    batch: str = ""
    """Id of the batch they were submitted with."""
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sight:
    """Whose jobs a person may see."""

    only: str | None = None
    """The one person whose jobs may be seen; None for everybody's."""
    without: Collection[str] = ()
    """Episodes whose jobs may not be seen."""


def search_jobs(
    database: Database, search: JobSearch, sight: Sight, *, before: str = "", limit: int = 100
) -> list[Job]:
    """Return jobs, newest first; `before` is the last job of the previous page."""
    query = select(JobRow).where(*_conditions(search, sight)).order_by(JobRow.number.desc()).limit(limit)
    if before:
        query = query.where(
            JobRow.number < select(JobRow.number).where(JobRow.id == before).scalar_subquery()
        )
    with database.reading() as session:
        return [as_job(row) for row in session.scalars(query)]


def unfinished_jobs(database: Database, search: JobSearch, sight: Sight) -> list[str]:
    """Return the ids of the jobs that are found and have not ended, those that wait before those that run."""
    query = select(JobRow.id).where(*_conditions(search, sight), JobRow.state.not_in(ENDED))
    with database.reading() as session:
        return list(session.scalars(query.order_by(JobRow.state, JobRow.number)))


def _conditions(search: JobSearch, sight: Sight) -> list[ColumnElement[bool]]:
    found = [JobRow.trashed == ""]
    if sight.only is not None:
        found.append(JobRow.owner == sight.only)
    if sight.without:
        found.append(JobRow.episode.not_in(sight.without))
    if search.state:
        found.append(JobRow.state == search.state)
    if search.episode:
        found.append(JobRow.episode == search.episode)
    if search.film:
        found.append(JobRow.episode.icontains(search.film, autoescape=True))
    if search.owner:
        found.append(JobRow.owner.icontains(search.owner, autoescape=True))
    if search.since:
        found.append(JobRow.created >= search.since)
    if search.batch:
        found.append(JobRow.batch == search.batch)
    if search.ids:
        found.append(JobRow.id.in_(search.ids))
    if search.until:
        found.append(JobRow.created < search.until)
    return found
