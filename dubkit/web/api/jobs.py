"""Submit, watch, steer and read jobs over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, HTTPException, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import PlainTextResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from dubkit.web.accounts.access import REFUSALS, Editor, Viewer, is_shared_with, may_see
from dubkit.web.accounts.audit import audit, audit_download
from dubkit.web.api import transcript
from dubkit.web.api.asked_jobs import Batch, JobAsked, refusal, work_of
from dubkit.web.api.shown_jobs import (
    JobToChange,
    LogLine,
    OpenJob,
    ShownEvent,
    ShownJob,
    in_words,
    may_see_event,
    shown_event,
    shown_job,
    visible_jobs,
)
from dubkit.web.files.send import inside, send_file
from dubkit.web.http.following import Following, following_more
from dubkit.web.jobs.kinds import State
from dubkit.web.site import OnSite

Answers = dict[int | str, dict[str, Any]]

MISSING: Answers = {
    **REFUSALS,
    404: {"description": "There is no such job, or it is somebody else's."},
}
ENDED_ALREADY: Answers = {
    409: {"description": "The job's state does not allow it; `detail` says which state it has."}
}
KEY_USED: Answers = {409: {"description": "The Idempotency-Key was used for other work."}}

router = APIRouter(prefix="/api/jobs", tags=["jobs"], responses=REFUSALS)

Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        max_length=100,
        pattern=r"^[\x21-\x7e]*$",
        description="A mark of your own: a repeated request with it gives the same job again.",
    ),
]
Number = Annotated[int, Query(ge=0, le=2**31 - 1)]


@router.post("", status_code=201, responses=KEY_USED)
def submit(asked: JobAsked, site: OnSite, person: Editor, key: Key = "") -> ShownJob:
    """Put a job into the queue."""
    work, problems = work_of(site, person, asked, ("body",))
    if work is None:
        raise refusal(problems)
    shared = {work.episode} if is_shared_with(site, person, work.episode) else set()
    job = site.queue.submit(work, person.name, key=key, shared=shared)
    audit(site, person, "submit", job.id, f"{work.episode} {' '.join(work.languages)}")
    return shown_job(site, person, job)


@router.post("/batch", status_code=201, responses=KEY_USED)
def submit_batch(batch: Batch, site: OnSite, person: Editor, key: Key = "") -> list[ShownJob]:
    """Put several jobs into the queue: all of them or, when one is refused, none."""
    works, problems = [], []
    for position, asked in enumerate(batch.jobs):
        work, found = work_of(site, person, asked, ("body", "jobs", position))
        works += [work] if work is not None else []
        problems += found
    if problems:
        raise refusal(problems)
    shared = {work.episode for work in works if is_shared_with(site, person, work.episode)}
    jobs = site.queue.submit_many(works, person.name, key=key, shared=shared)
    audit(site, person, "submit", f"{len(jobs)} jobs", " ".join(job.id for job in jobs))
    return [shown_job(site, person, job) for job in jobs]


@router.get("")
def list_jobs(
    site: OnSite,
    person: Viewer,
    state: State | Literal[""] = "",
    episode: Annotated[str, Query(max_length=255)] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    before: Annotated[str, Query(max_length=12, description="The last job of the page before.")] = "",
) -> list[ShownJob]:
    """Return jobs, newest first: one's own on episodes one may see, an admin all."""
    return visible_jobs(site, person, state=state, episode=episode, limit=limit, before=before)


@router.get("/{job}", responses=MISSING)
def read_job(job: OpenJob, site: OnSite, person: Viewer) -> ShownJob:
    """Return a job as it stands."""
    return shown_job(site, person, job)


@router.post("/{job}/cancel", responses={**MISSING, **ENDED_ALREADY})
def cancel(job: JobToChange, site: OnSite, person: Editor) -> ShownJob:
    """Stop a job: at once while it waits, at its next item while it runs."""
    cancelled = site.queue.cancel(job.id)
    audit(site, person, "cancel", job.id)
    return shown_job(site, person, cancelled)


@router.post("/{job}/retry", responses={**MISSING, **ENDED_ALREADY})
def retry(job: JobToChange, site: OnSite, person: Editor) -> ShownJob:
    """Put a job that has ended back into the queue; what it finished is reused."""
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
        206: {"description": "The range that was asked for."},
        304: {"description": "It has not changed."},
        404: {"description": "There is no such job, or it made no dub in that language."},
        409: {"description": "The job has not finished."},
        416: {"description": "The range lies outside the file."},
    },
)
def result(
    request: Request, job: OpenJob, site: OnSite, person: Viewer, language: transcript.Language = ""
) -> Response:
    """Send the dubbed file, whole or in ranges; with one language only it needs no name."""
    if not job.ended:
        raise HTTPException(409, f"Job {job.id} is {job.state}; its dub comes when it has finished.")
    dubs: dict[str, str] = job.result.get("dubs", {})
    tag = transcript.standard(language) or (next(iter(dubs)) if len(dubs) == 1 else "")
    if tag not in dubs:
        there = f"It made: {', '.join(dubs)}." if dubs else f"It is {job.state} and made none."
        raise HTTPException(404, f"Job {job.id} has no dub in {tag or 'one language only'}. {there}")
    file = inside(site.output / job.work.episode, dubs[tag])
    subject = f"{job.work.episode}/{dubs[tag]}"
    return audit_download(request, site, person, subject, send_file(request, file, name=file.path.name))


@router.get("/{job}/log", response_model=list[LogLine], responses=MISSING)
def log(
    job: OpenJob,
    site: OnSite,
    person: Viewer,
    after: Number = 0,
    format: Annotated[Literal["json", "text"], Query(description="`text` is one line per event.")] = "json",
) -> list[LogLine] | Response:
    """Return what happened, in words."""
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
    watch: Annotated[Following, Depends(following_more)],
    after: Number = 0,
    last: Annotated[int | None, Header(alias="Last-Event-ID", ge=0, le=2**31 - 1)] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Stream the events of a job until it has ended, those after `Last-Event-ID` (or `after`) only."""
    seen = after if last is None else last
    async with watch.job(job.id, person.name) as news:
        while True:
            news.clear()
            page = await run_in_threadpool(site.queue.events, job.id, seen)
            for event in page:
                seen = event.number
                if may_see_event(person, event):
                    shown: ShownEvent = shown_event(site, person, event)
                    yield ServerSentEvent(data=shown, event=event.kind, id=str(event.number))
            if page:
                continue  # there may be more than one page
            now = await run_in_threadpool(site.queue.get, job.id)
            if now is None or now.ended:
                return
            await news.wait()
            # The stream may be open for hours: its reader may be logged out, demoted, removed, or no longer
            # one of those who may see the episode by now.
            who = await run_in_threadpool(request.app.state.identity.of, request)
            if who.person != person or not await run_in_threadpool(may_see, site, person, now.work.episode):
                return


router.include_router(transcript.router)
