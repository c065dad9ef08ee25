"""Jobs as answers show them, and as routes depend on them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, HTTPException

from dubkit.web.accounts.access import Editor, Viewer, closed_to, may_see
from dubkit.web.accounts.people import Person
from dubkit.web.accounts.redaction import redact
from dubkit.web.jobs.kinds import Job, JobEvent, JobProgress, Kind, Priority, State
from dubkit.web.site import OnSite, Site

_ID = re.compile(r"[A-Za-z0-9_-]{1,12}")

FOR_ADMINS = frozenset(("trace",))
"""Kinds of events that show details of the server."""


@dataclass(frozen=True, slots=True)
class ShownWork:
    """What a job does."""

    kind: Kind
    source: str
    """Name below the input folder; only the file name when it is elsewhere."""
    episode: str
    languages: tuple[str, ...]
    settings: dict[str, str]
    lines: tuple[str, ...]
    until: str


@dataclass(frozen=True, slots=True)
class ShownJob:
    """A job; `share` of its progress is the share of the whole job that is done, and never falls."""

    id: str
    work: ShownWork
    owner: str
    state: State
    created: datetime
    updated: datetime
    attempt: int
    progress: JobProgress
    cancelling: bool
    error: str
    degraded: tuple[str, ...]
    result: dict[str, Any]
    batch: str
    """Id of the batch it was submitted with; empty when it was submitted alone."""
    priority: Priority


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """Something that happened to a job; numbers only grow, and some may be missing."""

    number: int
    at: datetime
    kind: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LogLine:
    """An event of a job in words."""

    number: int
    at: datetime
    kind: str
    text: str


def shown_job(site: Site, person: Person, job: Job) -> ShownJob:
    """Return a job as a person may see it: without paths of the server."""
    work = job.work
    source = _relative(site.inputs, Path(work.source))
    return ShownJob(
        id=job.id,
        work=ShownWork(
            work.kind, source, work.episode, work.languages, work.settings, work.lines, work.until
        ),
        owner=job.owner,
        state=job.state,
        created=job.created,
        updated=job.updated,
        attempt=job.attempt,
        progress=job.progress,
        cancelling=job.cancelling,
        error=redact(site, person, job.error),
        degraded=tuple(redact(site, person, note) for note in job.degraded),
        result=_shown_result(site, person, job.result),
        batch=job.batch,
        priority=job.priority,
    )


def _shown_result(site: Site, person: Person, result: dict[str, Any]) -> dict[str, Any]:
    remarks = [
        {
            name: redact(site, person, value) if isinstance(value, str) else value
            for name, value in one.items()
        }
        for one in result.get("remarks", ())
    ]
    return result | {"remarks": remarks} if remarks else result


def address(job: Job) -> str:
    """Return where a job is found."""
    return f"/api/jobs/{job.id}"


def shown_event(site: Site, person: Person, event: JobEvent) -> ShownEvent:
    """Return an event as a person may see it."""
    detail = {
        name: redact(site, person, value) if isinstance(value, str) else value
        for name, value in event.detail.items()
    }
    return ShownEvent(event.number, event.at, event.kind, detail)


def may_see_event(person: Person, event: JobEvent) -> bool:
    """Tell whether an event is for a person."""
    return event.kind not in FOR_ADMINS or person.may("admin")


def _relative(inputs: Path, source: Path) -> str:
    try:
        return source.relative_to(inputs.resolve()).as_posix()
    except ValueError:
        return source.name


def in_words(event: ShownEvent) -> str:
    """Return an event in words."""
    detail: Mapping[str, Any] = event.detail
    where = " ".join(str(detail[name]) for name in ("stage", "language") if detail.get(name))
    match event.kind:
        case "note" | "trace":
            return str(detail.get("text", ""))
        case "submitted":
            return f"submitted by {detail.get('owner', 'somebody')}"
        case "leased":
            return f"begun, attempt {detail.get('attempt', 1)}"
        case "stage":
            return f"{where}: {detail.get('items', 0)} of {detail.get('of', 0)} items"
        case "stage-finished":
            return f"{where}: finished in {detail.get('seconds', 0)} s"
        case "progress":
            return f"{where}: {detail.get('done', 0):g} of {detail.get('total', 0)}"
        case "finished":
            error = str(detail.get("error", ""))
            return f"{detail.get('state', 'ended')}: {error}" if error else str(detail.get("state", "ended"))
    return event.kind.replace("-", " ")


def own_job(site: Site, person: Person, job: str) -> Job:
    """Return a job of a person.

    Raises HTTP 404 when there is none, and also when it belongs to somebody else or the person may no longer
    see its episode.
    """
    row = site.queue.get(job) if _ID.fullmatch(job) else None
    own = row is not None and (person.may("admin") or row.owner == person.name)
    if row is None or not own or not may_see(site, person, row.work.episode):
        raise HTTPException(404, "There is no such job.")
    return row


def visible_jobs(
    site: Site, person: Person, *, state: str, limit: int, episode: str = "", before: str = ""
) -> list[ShownJob]:
    """Return jobs that a person may see, newest first.

    An admin sees all, others their own on episodes that they may see. `before` is the last job of the
    previous page.
    """
    if "\0" in episode + before:  # no name has one, and PostgreSQL takes none
        return []
    jobs = site.queue.jobs(
        owner=None if person.may("admin") else person.name,
        state=state,
        episode=episode,
        limit=limit,
        before=before,
        without=closed_to(site, person),
    )
    return [shown_job(site, person, job) for job in jobs]


def _open_job(site: OnSite, person: Viewer, job: str) -> Job:
    return own_job(site, person, job)


def _job_to_change(site: OnSite, person: Editor, job: str) -> Job:
    return own_job(site, person, job)


OpenJob = Annotated[Job, Depends(_open_job)]
"""A job that the person may see."""

JobToChange = Annotated[Job, Depends(_job_to_change)]
"""A job of the person; needs the role editor."""
