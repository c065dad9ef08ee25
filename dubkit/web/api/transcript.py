"""The lines of a job's episode as a table: read, changed at once, and spoken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Query
from fastapi.responses import Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from dubkit.episode.context import Context
from dubkit.episode.edits.log import EditLog
from dubkit.episode.export import export, line_rows
from dubkit.errors import MediaError, SettingError
from dubkit.formats.format import FORMATS, Format, writable
from dubkit.review.changes import Desk, LineChange
from dubkit.review.opening import of_folder
from dubkit.review.regeneration import pending
from dubkit.translate.language import normalise
from dubkit.web.accounts.access import Editor, Viewer
from dubkit.web.accounts.audit import audit
from dubkit.web.api.shown_jobs import JobToChange, OpenJob, ShownJob, shown_job
from dubkit.web.jobs.kinds import Job, JobWork
from dubkit.web.site import OnSite, Site

Language = Annotated[
    str, Query(max_length=100, description="A language of the job; one alone needs no name.")
]
ROWS = "json"
"""The interface's own answer, with the fields of `Row`; every other format is a file."""


def file_formats() -> list[Format]:
    """Return the formats that a transcript can be sent in as a file."""
    return [FORMATS.records[name] for name in writable("rows", "cues") if name != ROWS]


def format_choices() -> list[str]:
    """Return what a transcript can be asked for as."""
    return [ROWS, *(format.name for format in file_formats())]


def check_format(name: str) -> str:
    """Return the name of a format that transcripts are sent in. Raises ValueError for others."""
    if name not in format_choices():
        raise ValueError(f"must be one of {', '.join(format_choices())}")
    return name


FormatName = Annotated[
    str, AfterValidator(check_format), Field(json_schema_extra={"enum": [*format_choices()]})
]

ANSWERS: dict[int | str, dict[str, Any]] = {
    404: {"description": "There is no such job, or its episode has no lines in that language."},
    409: {"description": "The job has not come to the lines yet, or somebody changed the same meanwhile."},
}
router = APIRouter(prefix="/{job}/transcript")


@dataclass(frozen=True, slots=True)
class Row:
    """One line; times are seconds of the episode. `text` is empty in a transcript of the source alone."""

    id: str
    start: float
    end: float
    speaker: str
    source: str
    text: str
    route: str
    flags: list[str]


@dataclass(frozen=True, slots=True)
class ChangedRows:
    """The rows that were changed, and the last event of the episode's edits."""

    seen: int
    rows: list[Row]


class RowChange(BaseModel):
    """What shall become of a line; what is left out stays, an empty text takes an edit back."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(min_length=1, max_length=40)]
    text: Annotated[str, Field(max_length=5000)] | None = None
    speaker: Annotated[str, Field(max_length=40)] | None = None
    start: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] | None = None
    end: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] | None = None


class Synthesis(BaseModel):
    """What to speak."""

    model_config = ConfigDict(extra="forbid")

    language: Annotated[str, Field(max_length=100)] = ""
    lock: bool = False
    """Lock the lines that people edited once they are spoken, so that no later run changes them."""


Changes = Annotated[list[RowChange], Field(min_length=1, max_length=10_000)]


def standard(tag: str) -> str:
    """Return a language tag in its standard form; empty stays. Raises HTTP 404 for no language."""
    try:
        return normalise(tag) if tag else ""
    except SettingError:
        raise HTTPException(404, f"{tag[:40]!r} is not a known language.") from None


def lines_of(site: Site, job: Job, language: str, *, source_too: bool = False) -> Context:
    """Open the episode of a job in a language. Raises HTTP 404 or 409 where it has no lines in it."""
    tags = job.work.languages
    tag = standard(language) or (tags[0] if len(tags) == 1 else "")
    if not tag and not (source_too and not tags):
        raise HTTPException(404, f"Which language? Job {job.id} has: {', '.join(tags) or 'none'}.")
    try:
        context = of_folder(site.session, site.output / job.work.episode).fresh(tag)
        there = context.store.has("translation.json" if tag else "transcript.json", tag)
    except MediaError:
        there = False
    if there:
        return context
    if not job.ended:
        raise HTTPException(
            409, f"Job {job.id} is {job.state} and has no lines in {tag or 'its source'} yet."
        )
    raise HTTPException(404, f"Job {job.id} made no lines in {tag or 'its source'}.")


def rows(context: Context) -> list[Row]:
    """Return the lines in order of time."""
    shown = []
    for row in line_rows(context):
        source = row.get("source", row["text"])
        text = row["text"] if context.language else ""
        route, flags = row.get("route", ""), str(row.get("flags", "")).split()
        shown.append(Row(row["id"], row["start"], row["end"], row["speaker"], source, text, route, flags))
    return shown


def asked_format(
    format: Annotated[FormatName | None, Query(description="Over what the Accept header says.")] = None,
    accept: Annotated[str, Header(max_length=1000)] = "",
) -> str:
    """Return the name of the format that is asked for."""
    if format is not None:
        return format
    by_type = {format.media_type: format.name for format in reversed(file_formats())} | {
        "application/json": ROWS
    }
    types = (part.partition(";")[0].strip().lower() for part in accept.split(","))
    return next((by_type[name] for name in types if name in by_type), ROWS)


@router.get(
    "",
    response_model=list[Row],
    responses={
        **ANSWERS,
        200: {
            "description": "The lines in order of time.",
            "content": {format.media_type: {"schema": {"type": "string"}} for format in file_formats()},
        },
    },
)
def read_transcript(
    job: OpenJob,
    site: OnSite,
    person: Viewer,
    format: Annotated[str, Depends(asked_format)],
    language: Language = "",
) -> list[Row] | Response:
    """Return the lines as rows (JSON), or as a file: a table or subtitles."""
    context = lines_of(site, job, language, source_too=True)
    subject = f"{job.work.episode}/{context.language or 'source'}/transcript"
    audit(site, person, "download", subject, format)
    if format == ROWS:
        return rows(context)
    record = FORMATS.records[format]
    name = f"transcript.{context.language or 'source'}{record.suffixes[0]}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    content = export(context, context.language, format)
    return Response(content, media_type=record.media_type, headers=headers)


@router.put("", responses={**ANSWERS, 400: {"description": "A line cannot be changed so; none is."}})
def change_transcript(
    changes: Changes,
    job: JobToChange,
    site: OnSite,
    person: Editor,
    language: Language = "",
    seen: Annotated[int | None, Query(ge=0, le=2**53, description="Last event you know of.")] = None,
) -> ChangedRows:
    """Change lines: all of them or, when one is refused, none."""
    context = lines_of(site, job, language)
    wanted: dict[str, LineChange] = {}
    for position, change in enumerate(changes):
        if change.id in wanted:
            where = ["body", position, "id"]
            twice = {"loc": where, "msg": f"{change.id} is named twice", "type": "value_error"}
            raise HTTPException(422, [twice])
        wanted[change.id] = LineChange(**change.model_dump(exclude={"id"}, exclude_none=True))
    event = Desk(context, person.name).edit_all(wanted, seen, action="edit")
    if event is not None:
        audit(site, person, "edit", f"{job.work.episode}/{context.language}", " ".join(sorted(wanted)))
    now = context.fresh()
    shown = [row for row in rows(now) if row.id in wanted]
    return ChangedRows(event.number if event else EditLog(now.store).last(), shown)


@router.post(
    "/synthesize",
    status_code=202,
    responses={**ANSWERS, 409: {"description": "Nothing has changed, or the job has no lines yet."}},
)
def synthesize(asked: Synthesis, job: JobToChange, site: OnSite, person: Editor) -> ShownJob:
    """Speak the changed lines and rebuild the episode, in a new job that does no more than that."""
    context = lines_of(site, job, asked.language)
    if pending(context, site.speeds).nothing:
        raise HTTPException(409, f"Nothing to do in {context.language}: everything is up to date.")
    edited = tuple(sorted(line for line, edit in context.placed.lines.items() if edit.text is not None))
    work = JobWork(
        "render", str(context.source), job.work.episode, (context.language,), {}, edited if asked.lock else ()
    )
    new = site.queue.submit(work, person.name)
    audit(site, person, "synthesize", f"{job.work.episode}/{context.language}", new.id)
    return shown_job(site, person, new)
