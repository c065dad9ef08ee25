"""Submit, watch, cancel, retry and read jobs over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, HTTPException, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import PlainTextResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from dubkit.web.accounts.access import REFUSALS, Editor, Viewer, closed_to, is_shared_with, may_see
from dubkit.web.accounts.audit import audit, audit_download
from dubkit.web.accounts.people import Person
from dubkit.web.api import playout, transcript
from dubkit.web.api.job_requests import JobBatch, JobRequest, impossible, refusal, work_of
from dubkit.web.api.line_forms import Strict
from dubkit.web.api.shown_jobs import (
    JobToChange,
    LogLine,
    OpenJob,
    ShownEvent,
    ShownJob,
    address,
    in_words,
    may_see_event,
    shown_event,
    shown_job,
)
from dubkit.web.api.uploads import the_uploads
from dubkit.web.files.send import inside, send_file
from dubkit.web.files.usage import usage
from dubkit.web.http.event_watcher import EventWatcher, watcher_for_stream
from dubkit.web.jobs.kinds import Place, Priority, State
from dubkit.web.jobs.search import JobSearch, Sight, search_jobs
from dubkit.web.settings import Serve
from dubkit.web.site import OnSite, Site

Answers = dict[int | str, dict[str, Any]]

MISSING: Answers = {
    **REFUSALS,
    404: {"description": "There is no such job, or it belongs to somebody else."},
}
ENDED_ALREADY: Answers = {
    409: {"description": "The state of the job does not allow it; `detail` says which one it is."}
}
KEY_USED: Answers = {409: {"description": "The Idempotency-Key was used for other work."}}

router = APIRouter(prefix="/api/jobs", tags=["jobs"], responses=REFUSALS)

Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        max_length=100,
        pattern=r"^[\x21-\x7e]*$",
        description="A key of your choice: a repeated request with it returns the same job.",
    ),
]
Number = Annotated[int, Query(ge=0, le=2**31 - 1)]


def check_quota(site: Site, person: Person) -> None:
    """Refuse a job of somebody who takes as much of the disk as one may. Raises HTTP 507."""
    if Serve.of(site.settings).quota_gb and not person.may("admin"):
        refusal = usage(site, person, the_uploads(site)).refusal()
        if refusal:
            raise HTTPException(507, refusal)


NO_ROOM: Answers = {507: {"description": "You take as much of the disk as you may."}}


@router.post("", status_code=201, responses=KEY_USED | NO_ROOM)
def submit(body: JobRequest, site: OnSite, person: Editor, response: Response, key: Key = "") -> ShownJob:
    """Put a job into the queue; Location is its address."""
    check_quota(site, person)
    work, problems = work_of(site, person, body, ("body",))
    problems += impossible(site, person, work, ("body",)) if work is not None else []
    if work is None or problems:
        raise refusal(problems)
    shared = {work.episode} if is_shared_with(site, person, work.episode) else set()
    job = site.queue.submit(work, person.name, key=key, shared=shared, place=Place(body.priority))
    audit(site, person, "submit", job.id, f"{work.episode} {' '.join(work.languages)}")
    response.headers["Location"] = address(job)
    return shown_job(site, person, job)


@router.post("/batch", status_code=201, responses=KEY_USED | NO_ROOM)
def submit_batch(batch: JobBatch, site: OnSite, person: Editor, key: Key = "") -> list[ShownJob]:
    """Put several jobs into the queue: all of them, or none when one is refused."""
    check_quota(site, person)
    works, problems = [], []
    for position, request in enumerate(batch.jobs):
        work, wrong = work_of(site, person, request, ("body", "jobs", position))
        works += [work] if work is not None else []
        problems += wrong
        problems += impossible(site, person, work, ("body", "jobs", position)) if work is not None else []
    if problems:
        raise refusal(problems)
    shared = {work.episode for work in works if is_shared_with(site, person, work.episode)}
    priorities = [request.priority for request in batch.jobs]
    jobs = site.queue.submit_many(works, person.name, key=key, shared=shared, priorities=priorities)
    audit(site, person, "submit", f"{len(jobs)} jobs", " ".join(job.id for job in jobs))
    return [shown_job(site, person, job) for job in jobs]


@router.get("")
def list_jobs(
    site: OnSite,
    person: Viewer,
    state: State | Literal[""] = "",
    episode: Annotated[str, Query(max_length=255)] = "",
    film: Annotated[str, Query(max_length=255, description="Part of the name of the episode.")] = "",
    owner: Annotated[str, Query(max_length=200, description="Part of the name of the owner.")] = "",
    batch: Annotated[str, Query(max_length=12)] = "",
    since: Annotated[datetime | None, Query(description="Submitted at this time or later.")] = None,
    until: Annotated[datetime | None, Query(description="Submitted before this time.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    before: Annotated[str, Query(max_length=12, description="Last job of the previous page.")] = "",
) -> list[ShownJob]:
    """Return your jobs on episodes that you may see, newest first; an admin gets all jobs."""
    if any(at and not 1970 < at.year < 9000 for at in (since, until)):
        raise HTTPException(422, "since and until must be times of the years 1971 to 8999.")
    if "\0" in episode + film + owner + batch + before:  # no name has one, and PostgreSQL takes none
        return []
    times = [at.replace(tzinfo=UTC) if at and at.tzinfo is None else at for at in (since, until)]
    search = JobSearch(state, episode, film, owner, times[0], times[1], batch)
    sight = Sight(None if person.may("admin") else person.name, closed_to(site, person))
    found = search_jobs(site.database, search, sight, before=before, limit=limit)
    return [shown_job(site, person, job) for job in found]


@router.get("/{job}", responses=MISSING)
def read_job(job: OpenJob, site: OnSite, person: Viewer) -> ShownJob:
    """Return a job."""
    return shown_job(site, person, job)


class JobChange(Strict):
    """What to change about a job that waits."""

    priority: Priority


@router.patch("/{job}", responses={**MISSING, **ENDED_ALREADY})
def change_job(job: JobToChange, body: JobChange, site: OnSite, person: Editor) -> ShownJob:
    """Change the place of a waiting job among those of its owner."""
    changed = site.queue.set_priority(job.id, body.priority)
    audit(site, person, "priority", job.id, body.priority)
    return shown_job(site, person, changed)


@router.post("/{job}/cancel", responses={**MISSING, **ENDED_ALREADY})
def cancel(job: JobToChange, site: OnSite, person: Editor) -> ShownJob:
    """Cancel a job: at once while it waits, at its next item while it runs."""
    cancelled = site.queue.cancel(job.id)
    audit(site, person, "cancel", job.id)
    return shown_job(site, person, cancelled)


@router.post("/{job}/retry", responses={**MISSING, **ENDED_ALREADY})
def retry(job: JobToChange, site: OnSite, person: Editor) -> ShownJob:
    """Retry a job that has ended; what it finished is reused."""
    again = site.queue.retry(job.id)
    audit(site, person, "retry", job.id)
    return shown_job(site, person, again)


@router.head("/{job}/result", include_in_schema=False)
@router.get(
    "/{job}/result",
    response_class=Response,
    responses={
        **MISSING,
        200: {"description": "The dubbed file.", "content": {"application/octet-stream": {}}},
        206: {"description": "The requested range."},
        304: {"description": "It has not changed."},
        404: {"description": "There is no such job, or it made no dub in that language."},
        409: {"description": "The job has not finished."},
        416: {"description": "The range lies outside the file."},
    },
)
def result(
    request: Request, job: OpenJob, site: OnSite, person: Viewer, language: transcript.Language = ""
) -> Response:
    """Send the dubbed file, whole or in ranges; with a single dub the language may be left out."""
    if not job.ended:
        raise HTTPException(409, f"Job {job.id} is {job.state}; there is no dub before it has finished.")
    dubs: dict[str, str] = job.result.get("dubs", {})
    tag = transcript.standard(language) or (next(iter(dubs)) if len(dubs) == 1 else "")
    if tag not in dubs:
        there = f"It has dubs in {', '.join(dubs)}." if dubs else f"It is {job.state} and has no dubs."
        wrong = f"has no dub in {tag}" if tag else "has several dubs or none: name a language"
        raise HTTPException(404, f"Job {job.id} {wrong}. {there}")
    file = inside(site.output / job.work.episode, dubs[tag])
    subject = f"{job.work.episode}/{dubs[tag]}"
    name = f"{job.work.episode}.{tag}{file.path.suffix}"
    return audit_download(request, site, person, subject, send_file(request, file, name=name))


@router.get("/{job}/log", response_model=list[LogLine], responses=MISSING)
def log(
    job: OpenJob,
    site: OnSite,
    person: Viewer,
    after: Number = 0,
    format: Annotated[Literal["json", "text"], Query(description="`text` has one line per event.")] = "json",
) -> list[LogLine] | Response:
    """Return the events in words."""
    events = [
        shown_event(site, person, event)
        for event in site.queue.all_events(job.id, after)
        if may_see_event(person, event)
    ]
    lines = [LogLine(event.number, event.at, event.kind, in_words(event)) for event in events]
    if format == "text":
        return PlainTextResponse("".join(f"{row.at:%Y-%m-%d %H:%M:%S}Z  {row.text}\n" for row in lines))
    return lines


@router.get("/{job}/events", response_class=EventSourceResponse, responses=MISSING)
async def events(
    request: Request,
    job: OpenJob,
    site: OnSite,
    person: Viewer,
    watcher: Annotated[EventWatcher, Depends(watcher_for_stream)],
    after: Number = 0,
    last: Annotated[int | None, Header(alias="Last-Event-ID", ge=0, le=2**31 - 1)] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Stream the events of a job after `Last-Event-ID` (or `after`), until it has ended."""
    seen = after if last is None else last
    async with watcher.job(job.id, person.name) as news:
        while True:
            news.clear()
            page = await run_in_threadpool(site.queue.events, job.id, seen)
            for event in page:
                seen = event.number
                if may_see_event(person, event):
                    shown: ShownEvent = shown_event(site, person, event)
                    yield ServerSentEvent(data=shown, event=event.kind, id=str(event.number))
            if page:
                continue  # there may be another page
            now = await run_in_threadpool(site.queue.get, job.id)
            if now is None or now.ended:
                return
            await news.wait()
            if watcher.ending.is_set():
                return
            # The stream may be open for hours: by now its reader may be logged out, demoted or removed,
            # or may no longer see the episode.
            caller = await run_in_threadpool(request.app.state.identity.of, request)
            if caller.person != person or not await run_in_threadpool(
                may_see, site, person, now.work.episode
            ):
                return


router.include_router(playout.router)
router.include_router(transcript.router)
