"""Pages of jobs: the list, and one job while it runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, get_args
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from dubkit.translate.language import language_name
from dubkit.web.accounts.access import Editor, Viewer, closed_to
from dubkit.web.accounts.audit import audit
from dubkit.web.accounts.people import Person
from dubkit.web.api.generate import shot_names
from dubkit.web.api.playout import manifest_of
from dubkit.web.api.shown_jobs import (
    ShownEvent,
    ShownJob,
    may_see_event,
    own_job,
    shown_event,
    shown_job,
    visible_jobs,
)
from dubkit.web.files.trash import Trash
from dubkit.web.jobs.kinds import Job, JobConflict, State
from dubkit.web.jobs.search import JobSearch, Sight, search_jobs, unfinished_jobs
from dubkit.web.pages.line_names import line_names
from dubkit.web.site import OnSite, Site
from dubkit.web.templating import page

router = APIRouter(include_in_schema=False)

PAGE = 50
"""Jobs on one page of the list."""

MOST = 10_000
"""Jobs that are deleted at once."""

KINDS = {"dub": "Dub", "regenerate": "New takes", "render": "Render", "generate": "Film"}
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


@dataclass(frozen=True, slots=True)
class Asked:
    """What the list of jobs is asked for, as its address says it."""

    state: str = ""
    episode: str = ""
    film: str = ""
    owner: str = ""
    day: str = ""
    """`2026-11-29`, in the time zone of the browser."""
    offset: int = 0
    """Minutes that UTC is ahead of that zone."""
    batch: str = ""
    """Id of the batch they were submitted with."""

    def query(self, **changed: str) -> str:
        """Return the query of an address that asks for the same, but for what is `changed`."""
        fields = asdict(self) | {"offset": self.offset if self.day else ""} | changed
        return urlencode({name: value for name, value in fields.items() if value != ""})

    @property
    def search(self) -> JobSearch:
        """The same as the database understands it."""
        since = until = None
        if self.day:
            since = datetime.fromisoformat(self.day).replace(tzinfo=UTC) + timedelta(minutes=self.offset)
            until = since + timedelta(days=1)
        return JobSearch(self.state, self.episode, self.film, self.owner, since, until, self.batch)


def _asked(
    person: Viewer,
    state: str = "",
    episode: str = "",
    film: str = "",
    owner: str = "",
    day: str = "",
    offset: str = "",
    batch: str = "",
) -> Asked:
    """Read the address; what is not understood counts as not asked."""
    at = int(offset) if re.fullmatch(r"-?\d{1,4}", offset) else 0
    clean = [value.replace("\0", "")[:200].strip() for value in (episode, film, owner)]
    return Asked(
        _known(state), clean[0], clean[1], clean[2], _day(day), max(-1440, min(1440, at)), _id(batch)
    )


def _id(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z0-9]{0,12}", text) else ""


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat() if "1970" < text < "9000" else ""
    except ValueError:
        return ""


@router.get("/jobs")
def jobs_page(
    request: Request,
    site: OnSite,
    person: Viewer,
    asked: Annotated[Asked, Depends(_asked)],
    before: str = "",
) -> HTMLResponse:
    """Show the jobs a person may see, newest first."""
    sight = _sight(site, person)
    found = search_jobs(site.database, asked.search, sight, before=before.replace("\0", ""), limit=PAGE)
    return page(
        request,
        person,
        "jobs.html",
        jobs=[shown_job(site, person, job) for job in found],
        asked=asked,
        before=before,
        unfinished=len(unfinished_jobs(site.database, asked.search, sight)) if person.may("editor") else 0,
        more=found[-1].id if len(found) == PAGE else "",
        kinds=KINDS,
    )


@router.post("/jobs/cancel")
def cancel_found(site: OnSite, person: Editor, asked: Annotated[Asked, Depends(_asked)]) -> RedirectResponse:
    """Cancel the jobs that are found and have not ended, and show the list again."""
    for job in unfinished_jobs(site.database, asked.search, _sight(site, person)):
        try:
            site.queue.cancel(job)
        except JobConflict:
            continue  # it has ended meanwhile
        audit(site, person, "cancel", job)
    return RedirectResponse(f"/jobs?{asked.query()}", 303)


@router.post("/jobs/delete")
def delete_found(site: OnSite, person: Editor, asked: Annotated[Asked, Depends(_asked)]) -> RedirectResponse:
    """Move the jobs that are found and have ended to the trash, and show the list again."""
    found = search_jobs(site.database, asked.search, _sight(site, person), limit=MOST)
    ended = [job for job in found if job.ended]
    if ended:
        row = Trash(site).delete_jobs(person, ended)
        audit(site, person, "deleted", f"{row.kind} {row.name}")
    return RedirectResponse(f"/jobs?{asked.query()}", 303)


def _sight(site: Site, person: Person) -> Sight:
    return Sight(None if person.may("admin") else person.name, closed_to(site, person))


@router.get("/jobs/{job}")
def job_page(request: Request, site: OnSite, person: Viewer, job: str) -> HTMLResponse:
    """Show one job: progress, stages, log, and buttons to cancel or retry it."""
    row = own_job(site, person, job)
    events = [
        shown_event(site, person, event)
        for event in site.queue.all_events(row.id)
        if may_see_event(person, event)
    ]
    shown, history = shown_job(site, person, row), history_of(events, row)
    episode = str(shown.result.get("episode") or shown.work.episode)
    return page(
        request,
        person,
        "job.html",
        job=shown,
        history=history,
        lines=line_names(site, episode, row.work.languages, [*shown.degraded, *(e[1] for e in history.log)]),
        names={tag: language_name(tag) for tag in row.work.languages},
        kinds=KINDS,
        shots=shot_names(site, row),
        streamed=[tag for tag in row.work.languages if _is_streamed(site, row, tag)],
    )


def _is_streamed(site: Site, job: Job, language: str) -> bool:
    """Tell whether the dub of a job comes, or came, in chunks that can be played."""
    mode = job.work.settings.get("stream.mode", site.settings.stream.mode)
    return job.work.kind == "dub" and (mode == "on" or manifest_of(site, job, language) is not None)


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
        "degraded": ("Done, with notes; they are listed above.", "calm"),
        "failed": ("Failed; see the reason above.", "bad"),
        "cancelled": ("Cancelled. Finished items are kept and will be reused.", "warn"),
    }
    return words.get(str(detail.get("state", "")), ("Ended.", "calm"))


def _known(state: str) -> str:
    return state if state in get_args(State) else ""
