"""Requests for jobs, checked as a whole before any job is put into the queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from fastapi import HTTPException
from pydantic import BaseModel, ConfigDict, Field

from dubkit.episode.folders import unchanged_source
from dubkit.episode.store import EpisodeStore
from dubkit.errors import DubkitError
from dubkit.translate.language import language_name, normalise
from dubkit.web.accounts.access import may_see
from dubkit.web.accounts.input_readers import readers_of_input
from dubkit.web.accounts.people import Person
from dubkit.web.accounts.redaction import redact
from dubkit.web.files.inputs import input_file
from dubkit.web.jobs.allowed import check_settings
from dubkit.web.jobs.kinds import JobWork, Priority
from dubkit.web.jobs.settings import job_settings
from dubkit.web.settings import Serve
from dubkit.web.site import Site

Place = tuple[str | int, ...]
"""Position in a request, such as ("body", "jobs", 2, "source")."""

Problem = dict[str, Any]

Value = bool | int | float | Annotated[str, Field(max_length=4000)]


class JobRequest(BaseModel):
    """A dub to make."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"source": "film.mp4", "languages": ["pt-BR"], "settings": {"mode": "low"}}]
        },
    )

    source: Annotated[str, Field(min_length=1, max_length=1000)]
    """Name of a media file below the input folder."""
    languages: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=50)] = []
    """Languages to dub into."""
    settings: Annotated[dict[Annotated[str, Field(max_length=100)], Value], Field(max_length=200)] = {}
    """Dotted name -> value, as `dubkit config` lists them; they override the server's."""
    until: Annotated[str, Field(max_length=100)] = ""
    """Last stage to run; empty for the finished dub."""
    priority: Priority = "normal"
    """Place among your own jobs that wait."""


class JobBatch(BaseModel):
    """Several dubs to make."""

    model_config = ConfigDict(extra="forbid")

    jobs: Annotated[list[JobRequest], Field(min_length=1, max_length=500)]


def work_of(
    site: Site, person: Person, request: JobRequest, place: Place
) -> tuple[JobWork | None, list[Problem]]:
    """Return the work of the requested job, or every problem of the request.

    Raises HTTP 403 for an episode that belongs to somebody else.
    """
    from dubkit.web.jobs.perform import episode_of

    problems: list[Problem] = []
    settings = {name: _text(value) for name, value in request.settings.items()}
    languages = _languages(request.languages, place, problems)
    _try(problems, (*place, "settings"), check_settings, settings)
    _try(problems, (*place, "until"), _check_until, request.until, bool(request.languages))
    source = _try(problems, (*place, "source"), input_file, site, person, request.source)
    episode = _try(problems, (*place, "source"), episode_of, site.output, source) if source else None
    if source is None or episode is None or problems:
        return None, [{**problem, "msg": redact(site, person, problem["msg"])} for problem in problems]
    if not (may_see(site, person, episode) or _is_only_a_name(site, person, episode, source)):
        raise HTTPException(
            403, f"Episode {episode} belongs to somebody else. Ask an admin for access to it."
        )
    return JobWork("dub", str(source), episode, languages, settings, until=request.until), []


def impossible(site: Site, person: Person, work: JobWork, place: Place) -> list[Problem]:
    """Return why nothing here can translate into a language of some work or speak it, as problems.

    Asked of this machine, so not where the server has no workers of its own. The language of the source is
    that of the settings or of the transcript; while it is not known, only voices are judged.
    """
    from dubkit.studio import unserved
    from dubkit.web.jobs.perform import request_of

    if not Serve.of(site.settings).workers or not work.languages:
        return []
    store, source = EpisodeStore(site.output / work.episode), Path(work.source)
    session = replace(site.session, settings=job_settings(site.configured, work.settings))
    # Of a source that is new nothing is known, and opening it would read it from end to end.
    known = source if unchanged_source(store) == source else None
    found = unserved(session, request_of(work), source=known)
    return [
        {
            "loc": [*place, "languages"],
            "msg": f"{language_name(tag)} ({tag}): {redact(site, person, why)}",
            "type": "value_error",
        }
        for tag, why in found.items()
    ]


def _is_only_a_name(site: Site, person: Person, episode: str, source: Path) -> bool:
    """Tell whether an episode is not there yet, and the source is the person's: others whose jobs wait for
    an episode of this name do not shut its uploader out."""
    name = source.relative_to(site.inputs.resolve()).as_posix()
    uploader = readers_of_input(site.database, name).owner
    return uploader == person.name and not (site.output / episode).exists()


def refusal(problems: Sequence[Problem]) -> HTTPException:
    """Return the problems in the form of FastAPI's own validation errors."""
    return HTTPException(422, list(problems))


def _languages(tags: Sequence[str], place: Place, problems: list[Problem]) -> tuple[str, ...]:
    normal = [
        _try(problems, (*place, "languages", number), normalise, tag, "languages")
        for number, tag in enumerate(tags)
    ]
    return tuple(dict.fromkeys(tag for tag in normal if tag))


def _try(problems: list[Problem], place: Place, check: Any, *arguments: Any) -> Any:
    """Return the result of a check, or None for a problem, which is added to `problems`."""
    try:
        return check(*arguments)
    except DubkitError as error:
        problems.append({"loc": list(place), "msg": str(error), "type": "value_error"})
        return None


def _check_until(until: str, languages: bool) -> None:
    from dubkit.studio import chain

    scope = chain().find(until, "until").scope if until else "language"
    if not languages and scope != "episode":
        raise DubkitError("A job must name at least one language, such as pt-BR.")


def _text(value: bool | int | float | str) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
