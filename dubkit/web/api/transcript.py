"""The lines of a job's episode: read them, change several at once, and speak the changed ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Query
from fastapi.responses import Response
from pydantic import AfterValidator, Field

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
from dubkit.web.api.line_forms import LineFields, Strict
from dubkit.web.api.shown_jobs import JobToChange, OpenJob, ShownJob, address, shown_job
from dubkit.web.jobs.kinds import Job, JobWork, Place
from dubkit.web.site import OnSite, Site

Language = Annotated[
    str, Query(max_length=100, description="A language of the job; may be left out when there is only one.")
]
ROWS = "json"
"""The answer as JSON, with the fields of `Row`; every other format is a file."""


def file_formats() -> list[Format]:
    """Return the formats of transcripts that are sent as a file."""
    return [FORMATS.records[name] for name in writable("rows", "cues") if name != ROWS]


def format_choices() -> list[str]:
    """Return the names of all formats of transcripts."""
    return [ROWS, *(format.name for format in file_formats())]


def check_format(name: str) -> str:
    """Return the name of a format of transcripts. Raises ValueError for others."""
    if name not in format_choices():
        raise ValueError(f"must be one of {', '.join(format_choices())}")
    return name


FormatName = Annotated[
    str, AfterValidator(check_format), Field(json_schema_extra={"enum": [*format_choices()]})
]

ANSWERS: dict[int | str, dict[str, Any]] = {
    404: {"description": "There is no such job, or its episode has no lines in that language."},
    409: {"description": "The job has no lines yet, or somebody changed the same meanwhile."},
}
router = APIRouter(prefix="/{job}/transcript")


@dataclass(frozen=True, slots=True)
class Row:
    """One line; times are seconds of the episode. `text` is empty when only the source is transcribed."""

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
    """The changed rows, and the last event of the episode's edits."""

    seen: int
    rows: list[Row]


class RowPatch(LineFields):
    """A change of the line with this id."""

    id: Annotated[str, Field(min_length=1, max_length=40)]


class Synthesis(Strict):
    """What to speak."""

    language: Annotated[str, Field(max_length=100)] = ""
    lock: bool = False
    """Lock the edited lines once they are spoken, so that no later run changes them."""


Changes = Annotated[list[RowPatch], Field(min_length=1, max_length=10_000)]


def standard(tag: str) -> str:
    """Return a language tag in its standard form, empty for empty. Raises HTTP 404 for an unknown one."""
    try:
        return normalise(tag) if tag else ""
    except SettingError:
        raise HTTPException(404, f"{tag[:40]!r} is not a known language.") from None


def lines_of(site: Site, job: Job, language: str, *, source_too: bool = False) -> Context:
    """Open the episode of a job in a language. Raises HTTP 404 or 409 when it has no lines there."""
    tags = job.work.languages
    tag = standard(language) or (tags[0] if len(tags) == 1 else "")
    if not tag and not (source_too and not tags):
        raise HTTPException(404, f"Which language? Job {job.id} has: {', '.join(tags) or 'none'}.")
    try:
        context = of_folder(site.session, site.output / job.work.episode).fresh(tag)
        has_lines = context.store.has("translation.json" if tag else "transcript.json", tag)
    except MediaError:
        has_lines = False
    if has_lines:
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


def requested_format(
    format: Annotated[
        FormatName | None, Query(description="Takes precedence over the Accept header.")
    ] = None,
    accept: Annotated[str, Header(max_length=1000)] = "",
) -> str:
    """Return the name of the requested format."""
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
    format: Annotated[str, Depends(requested_format)],
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


@router.put(
    "", responses={**ANSWERS, 400: {"description": "A line cannot be changed like this; no line is changed."}}
)
def change_transcript(
    changes: Changes,
    job: JobToChange,
    site: OnSite,
    person: Editor,
    language: Language = "",
    seen: Annotated[int | None, Query(ge=0, le=2**53, description="The last event you know of.")] = None,
) -> ChangedRows:
    """Change several lines: all of them, or none when one is refused."""
    context = lines_of(site, job, language)
    by_id: dict[str, LineChange] = {}
    for position, change in enumerate(changes):
        if change.id in by_id:
            where = ["body", position, "id"]
            twice = {"loc": where, "msg": f"{change.id} is named twice", "type": "value_error"}
            raise HTTPException(422, [twice])
        by_id[change.id] = change.change()
    event = Desk(context, person.name).edit_all(by_id, seen, action="edit")
    if event is not None:
        audit(site, person, "edit", f"{job.work.episode}/{context.language}", " ".join(sorted(by_id)))
    now = context.fresh()
    shown = [row for row in rows(now) if row.id in by_id]
    return ChangedRows(event.number if event else EditLog(now.store).last(), shown)


@router.post(
    "/synthesize",
    status_code=202,
    responses={**ANSWERS, 409: {"description": "Nothing has changed, or the job has no lines yet."}},
)
def synthesize(
    body: Synthesis, job: JobToChange, site: OnSite, person: Editor, response: Response
) -> ShownJob:
    """Speak the changed lines and rebuild the dub, in a new job that does nothing else."""
    context = lines_of(site, job, body.language)
    due = pending(context, site.speeds)
    if due.nothing:
        raise HTTPException(409, f"Nothing to do in {context.language}: everything is up to date.")
    edited = tuple(sorted(line for line, edit in context.placed.lines.items() if edit.text is not None))
    work = JobWork(
        "render", str(context.source), job.work.episode, (context.language,), {}, edited if body.lock else ()
    )
    new = site.queue.submit(work, person.name, place=Place(short=due.short))
    audit(site, person, "synthesize", f"{job.work.episode}/{context.language}", new.id)
    response.headers["Location"] = address(new)
    return shown_job(site, person, new)
