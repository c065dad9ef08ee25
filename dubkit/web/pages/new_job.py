"""The page of a new job: the form, and the plan of what it would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ValidationError

from dubkit.config import Settings, section_title, sections
from dubkit.errors import DubkitError
from dubkit.media.files.suffixes import MEDIA
from dubkit.settings import Setting
from dubkit.translate.language import language_name
from dubkit.web.accounts.access import Editor
from dubkit.web.accounts.people import Person
from dubkit.web.accounts.redaction import redact
from dubkit.web.api.job_requests import JobRequest, work_of
from dubkit.web.api.languages import SUGGESTED, known_language
from dubkit.web.jobs.allowed import allowed_settings
from dubkit.web.jobs.settings import job_settings
from dubkit.web.settings import Serve
from dubkit.web.site import OnSite, Site
from dubkit.web.templating import page, stage_title

router = APIRouter(include_in_schema=False)

CHUNK = 8 * 1024 * 1024
"""Bytes of an upload sent at once: the most that a lost connection costs."""


@dataclass(frozen=True, slots=True)
class Option:
    """One setting as a form field."""

    name: str
    value: str
    """The value of the server, as text."""
    help: str
    choices: tuple[str, ...] = ()
    number: bool = False
    label: str = ""
    """Its name among the main fields; empty for the others."""


@dataclass(frozen=True, slots=True)
class JobForm:
    """One job as the form asks for it."""

    source: str
    languages: tuple[str, ...]
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Planned:
    """The plan of one job."""

    source: str
    stages: Sequence[tuple[str, str, str]] = field(default_factory=tuple)
    """Stage, language, and number of items in words."""
    time: str = ""
    disk: int = 0
    tokens: int = 0
    characters: int = 0
    """Characters that a paid voice speaks at most, and what they cost; 0 where nobody knows."""
    money: float = 0.0
    error: str = ""
    refused: Sequence[tuple[str, str]] = ()
    """Name of a language that nothing here can dub into, and why."""
    doubts: Sequence[tuple[str, str]] = ()
    """Name of a language whose dub will stop unless the source is in that language already, and why."""


class Language(BaseModel):
    """A language as prompts and folders name it."""

    tag: str
    name: str


@router.get("/new")
def new_job_page(request: Request, site: OnSite, person: Editor) -> HTMLResponse:
    """Show the form of a new job."""
    options = _options(site.settings)
    rest: dict[str, list[Option]] = {}
    for option in options:
        if not option.label:
            rest.setdefault(option.name.rpartition(".")[0], []).append(option)
    titles = {table: section_title(section) for table, section in sections()}
    return page(
        request,
        person,
        "new_job.html",
        main_options=[(option, option.label) for option in options if option.label],
        sections=[(titles[table], fields) for table, fields in rest.items()],
        languages=[(tag, language_name(tag)) for tag in SUGGESTED],
        chunk=CHUNK,
        largest=int(Serve.of(site.settings).max_upload_gb * 1e9),
        accept=",".join(sorted(MEDIA)),
    )


@router.get("/new/language")
def language_of(person: Editor, text: str) -> Language:
    """Return the language that a tag or a name means. Raises SettingError for an unknown one."""
    tag = known_language(text)
    return Language(tag=tag, name=language_name(tag))


@router.post("/new/plan")
async def plan_page(request: Request, site: OnSite, person: Editor) -> HTMLResponse:
    """Show what the jobs of this form would do, how long they would take and what they would need."""
    from starlette.concurrency import run_in_threadpool

    form = await request.form()
    sources = [str(value) for value in form.getlist("source")]
    languages = [str(value) for value in form.getlist("language")]
    values = {
        name.removeprefix("set:"): str(value).strip()
        for name, value in form.items()
        if name.startswith("set:") and str(value).strip()
    }
    forms = [JobForm(source, tuple(languages), values) for source in sources if languages]
    rows = await run_in_threadpool(lambda: [_plan(site, person, form) for form in forms])
    return page(request, person, "plan.html", rows=rows)


def _plan(site: Site, person: Person, form: JobForm) -> Planned:
    from dubkit.progress import spread, total_range
    from dubkit.studio import doubtful, plan_episode, unserved
    from dubkit.web.jobs.perform import request_of

    source = form.source
    try:
        asked = JobRequest(source=source, languages=list(form.languages), settings=dict(form.settings))
        work, problems = work_of(site, person, asked, ())
        if work is None:
            return Planned(source, error="\n".join(str(problem["msg"]) for problem in problems))
        session = replace(site.session, settings=job_settings(site.configured, work.settings))
        wanted, path = request_of(work), Path(work.source)
        hindered = unserved(session, wanted, source=path)
        doubts = doubtful(session, wanted, path)
        served = tuple(tag for tag in wanted.languages if tag not in hindered)
        plans, needs = (
            plan_episode(session, path, replace(wanted, languages=served)) if served else ([], None)
        )
    except ValidationError:
        return Planned(source, error="There are too many languages or settings, or one is too long.")
    except HTTPException as refused:
        return Planned(source, error=str(refused.detail))
    except DubkitError as error:
        return Planned(source, error=redact(site, person, str(error)))
    busy = [found for found in plans if found.reasons or found.waits_for]
    low, high = total_range({f"{found.stage} {found.language}": found.seconds for found in busy})
    return Planned(
        source,
        stages=[(stage_title(found.stage), found.language, _amount(found)) for found in busy],
        time=spread(low, high) if high > 0 else "",
        disk=needs.disk if needs else 0,
        tokens=needs.tokens[1] if needs else 0,
        characters=needs.characters[1] if needs else 0,
        money=needs.money[1] if needs else 0.0,
        refused=[(language_name(tag), redact(site, person, why)) for tag, why in hindered.items()],
        doubts=[(language_name(tag), redact(site, person, why)) for tag, why in doubts.items()],
    )


def _amount(planned: Any) -> str:
    if planned.total:
        text = f"{len(planned.reasons)} of {planned.total}"
        reasons = sorted(set(planned.reasons.values()))
        return f"{text}: {reasons[0]}" if len(reasons) == 1 else text
    return f"known after “{stage_title(planned.waits_for)}”" if planned.waits_for else "not known yet"


def _options(settings: Settings) -> list[Option]:
    return [_option(entry, settings.value(entry.name)) for entry in allowed_settings().values()]


def _option(entry: Setting, value: Any) -> Option:
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    choices = entry.job_choices or entry.choices or (("true", "false") if entry.plain_type is bool else ())
    number = entry.plain_type in (int, float) and not choices
    return Option(entry.name, shown, entry.help, choices, number, entry.label)
