"""Lines of a dub over HTTP: all that the review page reads and changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Annotated, Any, Literal
from urllib.parse import quote

import msgspec
from fastapi import APIRouter, HTTPException, Query, Request, Response

from dubkit.config import changed_settings
from dubkit.episode.context import Context
from dubkit.episode.edits.events import Event
from dubkit.episode.edits.log import EditLog
from dubkit.episode.results import heard_sounds
from dubkit.episode.store import canonical
from dubkit.review.changes import Desk
from dubkit.review.history import HistoryRow, describe, history
from dubkit.review.lines import Filter, ReviewLine, review_lines
from dubkit.review.provenance import explain
from dubkit.review.regeneration import Pending, pending
from dubkit.review.speakers import (
    SpeakerRow,
    assign,
    describe_speaker,
    merge_speakers,
    speakers,
)
from dubkit.review.takes import TakeRow, full, line_takes
from dubkit.review.texts import choose_text
from dubkit.web.accounts.access import Editor, Viewer
from dubkit.web.accounts.audit import audit
from dubkit.web.api.dependencies import AtDesk, Language, LineId, Remembered, Reviewed
from dubkit.web.api.etags import KEPT, etag, is_unchanged
from dubkit.web.api.line_forms import (
    Assign,
    ChangedLine,
    ChangedLines,
    Details,
    Due,
    LineList,
    LinePatch,
    Lines,
    Merge,
    Regenerate,
    ShownTake,
    SpeakerPatch,
    Split,
    Started,
    TakeChoice,
    TextChoice,
    Undo,
)
from dubkit.web.files.stamps import digest, episode_stamp
from dubkit.web.jobs.kinds import Job, JobWork, Place
from dubkit.web.site import OnSite, Site

ANSWERS: dict[int | str, dict[str, Any]] = {
    400: {"description": "The edit cannot be made; `detail` says why."},
    404: {"description": "There is no such episode, language or line, or you may not see it."},
    409: {"description": "Somebody changed the same meanwhile; `detail` says who and what."},
    422: {"description": "A value is not one of those that it may be; `detail` names them."},
}
UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "It has not changed."}}

router = APIRouter(prefix="/api/episodes/{episode}/{language}", tags=["lines"], responses=ANSWERS)

# --- reading ----------------------------------------------------------------------------------


@router.get("/lines", response_model=LineList, responses=UNCHANGED)
def read_lines(
    request: Request,
    context: Reviewed,
    memory: Remembered,
    flagged: bool = False,
    unlocked: bool = False,
    unaccepted: bool = False,
    speaker: Annotated[str, Query(max_length=200)] = "",
    text: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Return the lines in order of time, or those that pass the filters."""
    shown = Filter(flagged, unlocked, unaccepted, speaker, text)
    root, question = context.store.root, ("lines", context.language, shown)
    seen = EditLog(context.store).last()
    tag = etag(seen, digest(episode_stamp(root), str(question)))
    headers = {"ETag": tag, **KEPT}
    if is_unchanged(request, tag):
        return Response(status_code=304, headers=headers)

    def listed() -> bytes:
        lines = [line for line in review_lines(context) if shown.takes(line)]
        duration, sounds = float(context.episode.duration), list(heard_sounds(context.store))
        return msgspec.json.encode(LineList(seen, lines, speakers(context), duration, sounds))

    answer = memory.answer(root, question, listed)
    return Response(answer, media_type="application/json", headers=headers)


@router.get("/lines/{line}")
def read_line(context: Reviewed, line: LineId, episode: str) -> Details:
    """Return a line with its takes and its provenance."""
    shown = _one(context, line)
    takes = [_take(episode, context.language, line, row) for row in line_takes(context, line)]
    return Details(shown, takes, explain(context, line))


@router.get("/edits")
def read_edits(
    context: Reviewed, limit: Annotated[int, Query(ge=1, le=1000)] = 50
) -> dict[str, list[HistoryRow]]:
    """Return the edits, newest first."""
    return {"events": history(context, limit)}


@router.get("/pending")
def read_pending(
    context: Reviewed,
    memory: Remembered,
    site: OnSite,
    person: Viewer,
    lines: Annotated[list[Annotated[str, Query(max_length=40)]] | None, Query(max_length=1000)] = None,
    picture: Annotated[bool, Query(description="Of the lines: keep the speech, make a new picture.")] = False,
) -> Due:
    """Return what a render (or a new take of some lines) would do, and how long it would take."""
    if not lines:
        question = ("pending", context.language, canonical(changed_settings(context.settings)))
        root = context.store.root
        return memory.answer(root, question, lambda: _due(pending(context, site.speeds)))
    desk = Desk(context, person.name)
    changes, together = desk.seed_changes(lines, picture=picture)
    return _due(pending(desk.after(changes), site.speeds, together))


@router.get("/speakers")
def read_speakers(context: Reviewed) -> dict[str, list[SpeakerRow]]:
    """Return the speakers."""
    return {"speakers": speakers(context)}


# --- changing lines ---------------------------------------------------------------------------


@router.patch("/lines/{line}")
def change_line(desk: AtDesk, line: LineId, patch: LinePatch, site: OnSite, person: Editor) -> ChangedLine:
    """Change a line."""
    check_line(desk.context, line)
    event = desk.edit(line, patch.change(), patch.seen)
    _audit(site, desk, person.name, event)
    return ChangedLine(_seen(desk, event), _one(desk.context.fresh(), line))


@router.post("/lines/lock")
def lock(desk: AtDesk, body: Lines, site: OnSite) -> ChangedLines:
    """Lock lines: later runs change neither their text nor their take."""
    return _changed(site, desk, desk.lock(body.lines), body.lines)


@router.post("/lines/unlock")
def unlock(desk: AtDesk, body: Lines, site: OnSite) -> ChangedLines:
    """Unlock lines: they follow their source again."""
    return _changed(site, desk, desk.unlock(body.lines), body.lines)


@router.post("/lines/accept")
def accept(desk: AtDesk, body: Lines, site: OnSite) -> ChangedLines:
    """Mark lines as checked and good."""
    return _changed(site, desk, desk.accept(body.lines), body.lines)


@router.post("/lines/assign")
def assign_lines(desk: AtDesk, body: Assign, site: OnSite) -> ChangedLines:
    """Assign lines to a speaker, or to a new one."""
    return _changed(site, desk, assign(desk, body.lines, body.speaker, body.name), body.lines)


@router.post("/lines/regenerate", status_code=202)
def regenerate(
    desk: AtDesk, body: Regenerate, site: OnSite, person: Editor, episode: str, response: Response
) -> Started:
    """Make a new take of lines, in a job that does nothing else."""
    event, lines = desk.new_seeds(body.lines, body.seed, picture=body.picture)
    _audit(site, desk, person.name, event)
    started = submit(site, desk.context.fresh(), person.name, episode, "regenerate", lines)
    response.headers["Location"] = f"/api/jobs/{started.id}"
    return started


@router.post("/lines/{line}/choose")
def choose(desk: AtDesk, line: LineId, body: TakeChoice, site: OnSite, person: Editor) -> ChangedLine:
    """Use a take of a line whatever it was made from; of a generated line, `v001` is that of its clips."""
    check_line(desk.context, line)
    event = desk.choose(line, body.take)
    _audit(site, desk, person.name, event)
    return ChangedLine(_seen(desk, event), _one(desk.context.fresh(), line))


@router.post("/lines/{line}/text")
def choose_line_text(
    desk: AtDesk, line: LineId, body: TextChoice, site: OnSite, person: Editor
) -> ChangedLine:
    """Give a line one of the texts that it may have (`timing.texts`), by its number."""
    check_line(desk.context, line)
    event = choose_text(desk, line, body.number, body.seen)
    _audit(site, desk, person.name, event)
    return ChangedLine(_seen(desk, event), _one(desk.context.fresh(), line))


@router.post("/render", status_code=202)
def render(desk: AtDesk, site: OnSite, person: Editor, episode: str, response: Response) -> Started:
    """Rebuild the dub from the takes in use, in a job."""
    started = submit(site, desk.context, person.name, episode, "render", [])
    response.headers["Location"] = f"/api/jobs/{started.id}"
    return started


@router.post("/undo")
def undo(desk: AtDesk, body: Undo, site: OnSite) -> ChangedLines:
    """Undo your last change in this language, or the one with this number, whoever made it."""
    return _changed(site, desk, desk.undo(body.number or 0), None)


@router.post("/redo")
def redo(desk: AtDesk, site: OnSite) -> ChangedLines:
    """Redo the change that you undid last."""
    return _changed(site, desk, desk.redo(), None)


# --- changing speakers ------------------------------------------------------------------------


@router.patch("/speakers/{speaker}")
def change_speaker(
    desk: AtDesk, speaker: LineId, patch: SpeakerPatch, site: OnSite
) -> dict[str, list[SpeakerRow]]:
    """Change the name, description or voice of a speaker."""
    _audit(site, desk, desk.who, describe_speaker(desk, speaker, patch.change()))
    return {"speakers": speakers(desk.context.fresh())}


@router.post("/speakers/merge")
def merge(desk: AtDesk, body: Merge, site: OnSite) -> ChangedLines:
    """Merge speakers into another one, who gets all their lines."""
    return _changed(site, desk, merge_speakers(desk, body.speakers, body.into), None)


@router.post("/speakers/split")
def split(desk: AtDesk, body: Split, site: OnSite) -> ChangedLines:
    """Split off a new speaker, who gets these lines."""
    return _changed(site, desk, assign(desk, body.lines, "", body.name), body.lines)


# --- inside -----------------------------------------------------------------------------------


def check_line(context: Context, line: str) -> None:
    """Raise HTTP 404 for a line that the language does not have."""
    if not any(known.id == line for _, known in context.lines):
        raise HTTPException(404, f"There is no line {line} in {context.language}.")


def _one(context: Context, line: str) -> ReviewLine:
    lines = review_lines(context, frozenset({line}))
    if not lines:
        raise HTTPException(404, f"There is no line {line} in {context.language}.")
    return lines[0]


def _take(episode: str, language: Language, line: str, row: TakeRow) -> ShownTake:
    base = f"/media/{quote(episode)}/{language}/takes/{full(row.take, line)}"
    sound, picture = f"{base}/sound" if row.sound else "", f"{base}/picture" if row.picture else ""
    shared = {one.name: getattr(row, one.name) for one in fields(row)}
    return ShownTake(**(shared | {"sound": sound, "picture": picture}))


def _seen(desk: Desk, event: Event | None) -> int:
    return event.number if event else desk.log.last()


def _changed(site: Site, desk: Desk, event: Event | None, lines: Sequence[str] | None) -> ChangedLines:
    """Return the lines that changed, or (None) all of them."""
    _audit(site, desk, desk.who, event)
    only = frozenset(lines) if lines is not None else None
    now = desk.context.fresh()
    text = describe(event, now.placed.homes) if event else ""
    return ChangedLines(_seen(desk, event), review_lines(now, only), event.number if event else None, text)


def _audit(site: Site, desk: Desk, who: str, event: Event | None) -> None:
    if event is not None:
        subject = f"{desk.context.store.root.name}/{desk.context.language}"
        audit(site, who, event.action, subject, f"change {event.number}")


def _due(due: Pending) -> Due:
    return Due(due.items, due.reasons, due.seconds, due.text, due.nothing)


def submit(
    site: Site,
    context: Context,
    who: str,
    episode: str,
    kind: Literal["regenerate", "render"],
    lines: list[str],
) -> Started:
    """Put a job about lines into the queue, and say what it will do."""
    due = pending(context, site.speeds, lines)
    estimate = _due(due)
    work = JobWork(kind, str(context.source), episode, (context.language,), {}, tuple(lines))
    job: Job = site.queue.submit(work, who, place=Place(short=due.short))
    audit(site, who, kind, f"{episode}/{context.language}", " ".join(lines))
    return Started(job.id, job.state, lines, estimate)
