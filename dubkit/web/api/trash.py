"""Delete episodes, jobs and inputs, and restore them from the trash, over HTTP."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field

from dubkit.web.accounts.access import REFUSALS, Editor, OpenEpisode, closed_to, readers
from dubkit.web.accounts.audit import audit
from dubkit.web.accounts.people import Person
from dubkit.web.accounts.tables import TrashRow
from dubkit.web.api.line_forms import Strict
from dubkit.web.api.shown_jobs import JobToChange
from dubkit.web.api.uploads import OnUploads, own_input
from dubkit.web.files.trash import Trash
from dubkit.web.files.usage import usage
from dubkit.web.jobs.kinds import ENDED, Job, JobConflict, State
from dubkit.web.jobs.search import JobSearch, Sight, search_jobs
from dubkit.web.settings import Serve
from dubkit.web.site import OnSite, Site

ANSWERS: dict[int | str, dict[str, Any]] = {
    **REFUSALS,
    404: {"description": "There is no such thing, or it belongs to somebody else."},
    409: {"description": "It is in use, or its place is taken; `detail` says by what."},
}
router = APIRouter(prefix="/api", tags=["trash"], responses=ANSWERS)

Id = Annotated[str, Field(max_length=12, pattern=r"^[A-Za-z0-9]+$")]
MOST = 10_000


class TrashEntry(BaseModel):
    """Something that was deleted and can be restored."""

    id: str
    kind: Literal["episode", "job", "input"]
    name: str
    person: str
    """Who deleted it."""
    size: int
    at: datetime
    until: datetime
    """When it is removed for good."""


class UsageOut(BaseModel):
    """Bytes that you take; a `quota` of 0 is no limit."""

    uploads: int
    episodes: int
    trash: int
    total: int
    quota: int


class Selection(Strict):
    """Some of your jobs: those that all named fields fit. At least one must be named."""

    jobs: list[Id] = Field(default_factory=list, max_length=MOST)
    batch: Annotated[str, Field(max_length=12, pattern=r"^[A-Za-z0-9]*$")] = ""
    episode: Annotated[str, Field(max_length=255, pattern=r"^[^\x00]*$")] = ""
    state: State | Literal[""] = ""


class Cancelled(BaseModel):
    """The jobs that were cancelled, or will be at their next item."""

    jobs: list[str]


@router.delete("/episodes/{episode}")
def delete_episode(site: OnSite, person: Editor, episode: OpenEpisode) -> TrashEntry:
    """Move an episode with its jobs to the trash; its source stays. Only its owners and admins may."""
    if not readers(site, episode.name).may_share(person):
        raise HTTPException(
            403, "Only the owners of the episode (whose jobs made it) and admins may delete it."
        )
    return _deleted(site, person, Trash(site).delete_episode(person, episode))


@router.delete("/jobs/{job}")
def delete_job(site: OnSite, person: Editor, job: JobToChange) -> TrashEntry:
    """Move a job that has ended to the trash; what it made stays."""
    return _deleted(site, person, Trash(site).delete_jobs(person, [job]))


@router.delete("/inputs/{name:path}")
def delete_input(site: OnSite, person: Editor, uploads: OnUploads, name: str) -> TrashEntry:
    """Move a file of the input folder to the trash: your own upload, or as an admin any file."""
    one = own_input(site, person, name)
    row = Trash(site).delete_input(person, one.file.name)
    uploads.forget(one.file.name)
    return _deleted(site, person, row)


@router.post("/jobs/cancel")
def cancel_jobs(site: OnSite, person: Editor, body: Selection) -> Cancelled:
    """Cancel several jobs, such as all of a batch; those that have ended stay as they are."""
    cancelled = []
    for job in _selected(site, person, body):
        if job.ended:
            continue
        try:
            site.queue.cancel(job.id)
        except JobConflict:
            continue  # it has ended meanwhile
        cancelled.append(job.id)
    audit(site, person, "cancel", f"{len(cancelled)} jobs", " ".join(cancelled))
    return Cancelled(jobs=cancelled)


@router.post("/jobs/delete")
def delete_jobs(site: OnSite, person: Editor, body: Selection) -> TrashEntry:
    """Move the selected jobs that have ended to the trash, as one entry."""
    ended = [job for job in _selected(site, person, body) if job.state in ENDED]
    if not ended:
        raise HTTPException(404, "None of the jobs that have ended is one of these.")
    return _deleted(site, person, Trash(site).delete_jobs(person, ended))


@router.get("/trash")
def trash(site: OnSite, person: Editor) -> list[TrashEntry]:
    """Return what you may restore, the newest first: what you deleted, and what was yours."""
    return [_shown(site, row) for row in Trash(site).entries(person)]


@router.post("/trash/{id}/restore")
def restore(site: OnSite, person: Editor, id: str) -> TrashEntry:
    """Put something back where it was."""
    row = _row(site, person, id)
    Trash(site).restore(row)
    audit(site, person, "restored", f"{row.kind} {row.name}")
    return _shown(site, row)


@router.delete("/trash/{id}", status_code=204)
def remove(site: OnSite, person: Editor, id: str) -> None:
    """Remove something for good."""
    row = _row(site, person, id)
    Trash(site).remove(row)
    audit(site, person, "removed", f"{row.kind} {row.name}")


@router.delete("/trash", status_code=204)
def empty(
    site: OnSite,
    person: Editor,
    everybody: Annotated[bool, Query(description="Also what others deleted; for admins.")] = False,
) -> None:
    """Remove for good what you deleted."""
    for row in Trash(site).entries(person):
        if row.person == person.name or (everybody and person.may("admin")):
            Trash(site).remove(row)
            audit(site, person, "removed", f"{row.kind} {row.name}")


@router.get("/usage")
def used(site: OnSite, person: Editor, uploads: OnUploads) -> UsageOut:
    """Return how much of the disk you take."""
    found = usage(site, person, uploads)
    return UsageOut(
        uploads=found.uploads,
        episodes=found.episodes,
        trash=found.trash,
        total=found.total,
        quota=found.quota,
    )


def _selected(site: Site, person: Person, body: Selection) -> list[Job]:
    if not (body.jobs or body.batch or body.episode or body.state):
        raise HTTPException(422, "Name jobs, a batch, an episode or a state.")
    sight = Sight(None if person.may("admin") else person.name, closed_to(site, person))
    search = JobSearch(body.state, body.episode, batch=body.batch, ids=tuple(body.jobs))
    return search_jobs(site.database, search, sight, limit=MOST)


def _row(site: Site, person: Person, id: str) -> TrashRow:
    row = Trash(site).entry(person, id) if id.isalnum() else None
    if row is None:
        raise HTTPException(404, "There is nothing of that id in the trash.")
    return row


def _deleted(site: Site, person: Person, row: TrashRow) -> TrashEntry:
    audit(site, person, "deleted", f"{row.kind} {row.name}")
    Trash(site).sweep()
    return _shown(site, row)


def _shown(site: Site, row: TrashRow) -> TrashEntry:
    until = row.at + timedelta(days=Serve.of(site.settings).trash_days)
    kind: Any = row.kind
    return TrashEntry(
        id=row.id, kind=kind, name=row.name, person=row.person, size=row.size, at=row.at, until=until
    )
