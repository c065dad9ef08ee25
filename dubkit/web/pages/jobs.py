"""Pages of jobs: the list, and one job while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, get_args

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from dubkit.translate.language import language_name
from dubkit.web.accounts.access import Viewer
from dubkit.web.accounts.people import Person
from dubkit.web.api.shown_jobs import (
    ShownEvent,
    ShownJob,
    may_see_event,
    own_job,
    shown_event,
    shown_job,
    visible_jobs,
)
from dubkit.web.jobs.kinds import Job, State
from dubkit.web.site import OnSite, Site
from dubkit.web.templating import page

router = APIRouter(include_in_schema=False)

PAGE = 50
"""Jobs on one page of the list."""

KINDS = {"dub": "Dub", "regenerate": "New takes", "render": "Rebuild"}
"""Kind of work -> its name on the pages."""


@dataclass(slots=True)
class StageTime:
    """One stage of a job, from its events."""

    stage: str
    language: str
    began: datetime
    ended: datetime | None = None
    items: int = 0
    total: int = 0

    @property
    def seconds(self) -> float | None:
        """Seconds it took; None while it runs."""
        return (self.ended - self.began).total_seconds() if self.ended else None


@dataclass(slots=True)
class JobHistory:
    """What the events of a job say: its stages and its log."""

    stages: list[StageTime] = field(default_factory=list)
    log: list[tuple[datetime, str, str]] = field(default_factory=list)
    """Time, text, and `calm`, `warn` or `bad`."""
    last: int = 0
    """Number of the last event."""


@router.get("/jobs")
def jobs_page(
    request: Request, site: OnSite, person: Viewer, state: str = "", before: str = "", episode: str = ""
) -> HTMLResponse:
    """Show the jobs a person may see, newest first."""
    shown_state = _known(state)
    shown = visible_jobs(site, person, state=shown_state, before=before, episode=episode, limit=PAGE)
    return page(
        request,
        person,
        "jobs.html",
        jobs=shown,
        state=shown_state,
        before=before,
        episode=episode,
        more=shown[-1].id if len(shown) == PAGE else "",
        kinds=KINDS,
    )


@router.get("/jobs/{job}")
def job_page(request: Request, site: OnSite, person: Viewer, job: str) -> HTMLResponse:
    """Show one job: progress, stages, log, and buttons to cancel or retry it."""
    row = own_job(site, person, job)
    events = [
        shown_event(site, person, event)
        for event in site.queue.all_events(row.id)
        if may_see_event(person, event)
    ]
    return page(
        request,
        person,
        "job.html",
        job=shown_job(site, person, row),
        history=history_of(events, row),
        names={tag: language_name(tag) for tag in row.work.languages},
        kinds=KINDS,
    )


def running_jobs(site: Site, person: Person) -> list[ShownJob]:
    """Return the jobs that have not ended and that a person may see, running ones first."""
    return [
        job for state in ("running", "queued") for job in visible_jobs(site, person, state=state, limit=PAGE)
    ]


def history_of(events: Sequence[ShownEvent], job: Job) -> JobHistory:
    """Return the stages of a job, and its other events in words."""
    history = JobHistory()
    for event in events:
        history.last = max(history.last, event.number)
        if event.kind == "stage":
            _close(history, event.at)
            history.stages.append(
                StageTime(
                    str(event.detail.get("stage", "")),
                    str(event.detail.get("language", "")),
                    event.at,
                    items=int(event.detail.get("items", 0)),
                    total=int(event.detail.get("of", 0)),
                )
            )
        elif event.kind == "stage-finished":
            _close(history, event.at)
        elif event.kind != "progress":
            if event.kind not in ("note", "trace"):
                _close(history, event.at)
            text, kind = _in_words(event)
            history.log.append((event.at, text, kind))
    if job.ended:
        _close(history, job.updated)
    return history


def _close(history: JobHistory, at: datetime) -> None:
    if history.stages and history.stages[-1].ended is None:
        history.stages[-1].ended = at


def _in_words(event: ShownEvent) -> tuple[str, str]:
    detail = event.detail
    match event.kind:
        case "note":
            return str(detail.get("text", "")), "calm"
        case "trace":
            return str(detail.get("text", "")), "bad"
        case "submitted":
            return "Submitted.", "calm"
        case "leased":
            return f"A worker started it{_attempt(detail)}.", "calm"
        case "lease-lost":
            return "The worker stopped responding; the job went back to the queue.", "warn"
        case "cancel-requested":
            return "Somebody cancelled it.", "warn"
        case "released" if detail.get("for_generator"):
            return "It generates clips, so it waits for a graphics card of its own.", "calm"
        case "released":
            return "The worker put it back into the queue.", "calm"
        case "retried":
            return "Somebody retried it.", "calm"
        case "finished":
            return _ending(detail)
    return event.kind.replace("-", " ").capitalize() + ".", "calm"


def _attempt(detail: dict[str, Any]) -> str:
    attempt = detail.get("attempt", 1)
    return f", attempt {attempt}" if attempt and attempt != 1 else ""


def _ending(detail: dict[str, Any]) -> tuple[str, str]:
    words = {
        "done": ("Done.", "calm"),
        "degraded": ("Done, but degraded; see the reasons above.", "warn"),
        "failed": ("Failed; see the reason above.", "bad"),
        "cancelled": ("Cancelled. Finished items are kept and will be reused.", "warn"),
    }
    return words.get(str(detail.get("state", "")), ("Ended.", "calm"))


def _known(state: str) -> str:
    return state if state in get_args(State) else ""
