"""Lines of a dub over HTTP: what the review page reads and does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Query

from dubkit.episode.context import Context
from dubkit.episode.edits.events import Event
from dubkit.episode.edits.log import EditLog
from dubkit.review.changes import Desk, LineChange
from dubkit.review.history import HistoryRow, describe, history
from dubkit.review.lines import Filter, ReviewLine, review_lines
from dubkit.review.regeneration import Pending, pending
from dubkit.review.speakers import (
    SpeakerChange,
    SpeakerRow,
    assign,
    describe_speaker,
    merge_speakers,
    speakers,
)
from dubkit.review.takes import TakeRow, full, line_takes
from dubkit.review.why import explain
from dubkit.web.accounts.access import Editor, Viewer
from dubkit.web.accounts.audit import audit
from dubkit.web.api.dependencies import AtDesk, Language, LineId, Reviewed
from dubkit.web.api.line_forms import (
    Assign,
    Changed,
    ChangedLine,
    Choice,
    Details,
    Due,
    LineList,
    Lines,
    Merge,
    Patch,
    Regenerate,
    SpeakerPatch,
    Split,
    Started,
    Take,
    Undo,
)
from dubkit.web.jobs.kinds import Job, JobWork
from dubkit.web.site import OnSite, Site

ANSWERS: dict[int | str, dict[str, Any]] = {
    400: {"description": "The edit cannot be made; the detail says why."},
    404: {"description": "There is no such episode, language or line for you."},
    409: {"description": "Somebody changed the same meanwhile; the detail says who and what."},
}
router = APIRouter(prefix="/api/episodes/{episode}/{language}", tags=["lines"], responses=ANSWERS)

# --- reading ----------------------------------------------------------------------------------


@router.get("/lines")
def read_lines(
    context: Reviewed,
    flagged: bool = False,
    unlocked: bool = False,
    unaccepted: bool = False,
    speaker: Annotated[str, Query(max_length=200)] = "",
    text: Annotated[str, Query(max_length=200)] = "",
) -> LineList:
    """Return the lines in order of time, or those that pass the filters."""
    wanted = Filter(flagged, unlocked, unaccepted, speaker, text)
    seen = EditLog(context.store).last()
    found = [line for line in review_lines(context) if wanted.takes(line)]
    return LineList(seen, found, speakers(context), float(context.episode.duration))


@router.get("/lines/{line}")
def read_line(context: Reviewed, line: LineId, episode: str) -> Details:
    """Return a line with its takes, and what made it."""
    shown = _one(context, line)
    takes = [_take(episode, context.language, line, row) for row in line_takes(context, line)]
    return Details(shown, takes, explain(context, line))


@router.get("/edits")
def read_edits(
    context: Reviewed, limit: Annotated[int, Query(ge=1, le=1000)] = 50
) -> dict[str, list[HistoryRow]]:
    """Return what people changed, the latest first."""
    return {"events": history(context, limit)}


@router.get("/pending")
def read_pending(
    context: Reviewed,
    site: OnSite,
    person: Viewer,
    lines: Annotated[list[Annotated[str, Query(max_length=40)]] | None, Query(max_length=1000)] = None,
) -> Due:
    """Return what a render would do now, or a new take of some lines, and how long it would take."""
    if not lines:
        return _due(pending(context, site.speeds))
    desk = Desk(context, person.name)
    changes, together = desk.seed_changes(lines)
    return _due(pending(desk.after(changes), site.speeds, together))


@router.get("/speakers")
def read_speakers(context: Reviewed) -> dict[str, list[SpeakerRow]]:
    """Return who speaks."""
    return {"speakers": speakers(context)}


# --- changing lines ---------------------------------------------------------------------------


@router.patch("/lines/{line}")
def change_line(desk: AtDesk, line: LineId, patch: Patch, site: OnSite, person: Editor) -> ChangedLine:
    """Change a line."""
    _one_exists(desk.context, line)
    given = patch.model_dump(exclude_none=True, exclude={"seen"})
    event = desk.edit(line, LineChange(**given), patch.seen)
    _audit(site, desk, person.name, event)
    return ChangedLine(_seen(desk, event), _one(desk.context.fresh(), line))


@router.post("/lines/lock")
def lock(desk: AtDesk, body: Lines, site: OnSite) -> Changed:
    """Keep text and take of lines through every rerun."""
    return _changed(site, desk, desk.lock(body.lines), body.lines)


@router.post("/lines/unlock")
def unlock(desk: AtDesk, body: Lines, site: OnSite) -> Changed:
    """Let lines follow their source again."""
    return _changed(site, desk, desk.unlock(body.lines), body.lines)


@router.post("/lines/accept")
def accept(desk: AtDesk, body: Lines, site: OnSite) -> Changed:
    """Mark lines as looked at and good."""
    return _changed(site, desk, desk.accept(body.lines), body.lines)


@router.post("/lines/assign")
def assign_lines(desk: AtDesk, body: Assign, site: OnSite) -> Changed:
    """Give lines to a speaker, or to a new one."""
    return _changed(site, desk, assign(desk, body.lines, body.speaker, body.name), body.lines)


@router.post("/lines/regenerate", status_code=202)
def regenerate(desk: AtDesk, body: Regenerate, site: OnSite, person: Editor, episode: str) -> Started:
    """Ask for a new take of lines; a job makes them and nothing else."""
    event, lines = desk.new_seeds(body.lines, body.seed)
    _audit(site, desk, person.name, event)
    return _submit(site, desk.context.fresh(), person.name, episode, "regenerate", lines)


@router.post("/lines/{line}/choose")
def choose(desk: AtDesk, line: LineId, body: Choice, site: OnSite, person: Editor) -> ChangedLine:
    """Use a take of a line, whatever it was made from; `v001` of a lip-dubbed line is that of its clips."""
    _one_exists(desk.context, line)
    event = desk.choose(line, body.take)
    _audit(site, desk, person.name, event)
    return ChangedLine(_seen(desk, event), _one(desk.context.fresh(), line))


@router.post("/render", status_code=202)
def render(desk: AtDesk, site: OnSite, person: Editor, episode: str) -> Started:
    """Rebuild the episode from the takes in use, as a job."""
    return _submit(site, desk.context, person.name, episode, "render", [])


@router.post("/undo")
def undo(desk: AtDesk, body: Undo, site: OnSite) -> Changed:
    """Take back your last act in this language, or the one with that number, whoever did it."""
    return _changed(site, desk, desk.undo(body.number or 0), None)


@router.post("/redo")
def redo(desk: AtDesk, site: OnSite) -> Changed:
    """Do again what you took back last."""
    return _changed(site, desk, desk.redo(), None)


# --- changing speakers ------------------------------------------------------------------------


@router.patch("/speakers/{speaker}")
def change_speaker(
    desk: AtDesk, speaker: LineId, patch: SpeakerPatch, site: OnSite
) -> dict[str, list[SpeakerRow]]:
    """Name, describe or voice a speaker."""
    given = patch.model_dump(exclude_none=True)
    _audit(site, desk, desk.who, describe_speaker(desk, speaker, SpeakerChange(**given)))
    return {"speakers": speakers(desk.context.fresh())}


@router.post("/speakers/merge")
def merge(desk: AtDesk, body: Merge, site: OnSite) -> Changed:
    """Give every line of some speakers to another one."""
    return _changed(site, desk, merge_speakers(desk, body.speakers, body.into), None)


@router.post("/speakers/split")
def split(desk: AtDesk, body: Split, site: OnSite) -> Changed:
    """Give lines to a new speaker."""
    return _changed(site, desk, assign(desk, body.lines, "", body.name), body.lines)


# --- inside -----------------------------------------------------------------------------------


def _one_exists(context: Context, line: str) -> None:
    if not any(known.id == line for _, known in context.lines):
        raise HTTPException(404, f"There is no line {line} in {context.language}.")


def _one(context: Context, line: str) -> ReviewLine:
    found = review_lines(context, frozenset({line}))
    if not found:
        raise HTTPException(404, f"There is no line {line} in {context.language}.")
    return found[0]


def _take(episode: str, language: Language, line: str, row: TakeRow) -> Take:
    base = f"/media/{quote(episode)}/{language}/takes/{full(row.take, line)}"
    sound, picture = f"{base}/sound" if row.sound else "", f"{base}/picture" if row.picture else ""
    shared = {one.name: getattr(row, one.name) for one in fields(row)}
    return Take(**(shared | {"sound": sound, "picture": picture}))


def _seen(desk: Desk, event: Event | None) -> int:
    return event.number if event else desk.log.last()


def _changed(site: Site, desk: Desk, event: Event | None, lines: Sequence[str] | None) -> Changed:
    """Return the lines that changed; all of them when the act says nothing of which."""
    _audit(site, desk, desk.who, event)
    only = frozenset(lines) if lines is not None else None
    now = desk.context.fresh()
    said = describe(event, now.placed.homes) if event else ""
    return Changed(_seen(desk, event), review_lines(now, only), event.number if event else None, said)


def _audit(site: Site, desk: Desk, who: str, event: Event | None) -> None:
    if event is not None:
        subject = f"{desk.context.store.root.name}/{desk.context.language}"
        audit(site, who, event.action, subject, f"change {event.number}")


def _due(found: Pending) -> Due:
    return Due(found.items, found.reasons, found.seconds, found.text, found.nothing)


def _submit(
    site: Site,
    context: Context,
    who: str,
    episode: str,
    kind: Literal["regenerate", "render"],
    lines: list[str],
) -> Started:
    estimate = _due(pending(context, site.speeds, lines))
    work = JobWork(kind, str(context.source), episode, (context.language,), {}, tuple(lines))
    job: Job = site.queue.submit(work, who)
    audit(site, who, kind, f"{episode}/{context.language}", " ".join(lines))
    return Started(job.id, job.state, lines, estimate)
