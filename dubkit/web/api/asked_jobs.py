"""Jobs as they are asked for: checked as a whole before anything is put into the queue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import HTTPException
from pydantic import BaseModel, ConfigDict, Field

from dubkit.errors import DubkitError
from dubkit.translate.language import normalise
from dubkit.web.accounts.access import may_see
from dubkit.web.accounts.people import Person
from dubkit.web.accounts.telling import told
from dubkit.web.files.inputs import input_file
from dubkit.web.jobs.allowed import check_settings
from dubkit.web.jobs.kinds import JobWork
from dubkit.web.site import Site

Place = tuple[str | int, ...]
"""Where in a request something stands, such as ("body", "jobs", 2, "source")."""

Problem = dict[str, Any]

Value = bool | int | float | Annotated[str, Field(max_length=4000)]


class JobAsked(BaseModel):
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
    """Dotted names and values over the server's own, as `dubkit config` lists them."""
    until: Annotated[str, Field(max_length=100)] = ""
    """Last stage; empty is the finished dub."""


class Batch(BaseModel):
    """Several dubs to make."""

    model_config = ConfigDict(extra="forbid")

    jobs: Annotated[list[JobAsked], Field(min_length=1, max_length=500)]


def work_of(
    site: Site, person: Person, asked: JobAsked, place: Place
) -> tuple[JobWork | None, list[Problem]]:
    """Return the work that is asked for, or everything that is wrong with it.

    Raises HTTP 403 for an episode that is somebody else's.
    """
    from dubkit.web.jobs.perform import episode_of

    problems: list[Problem] = []
    settings = {name: _text(value) for name, value in asked.settings.items()}
    languages = _languages(asked.languages, place, problems)
    _tried(problems, (*place, "settings"), check_settings, settings)
    _tried(problems, (*place, "until"), _check_until, asked.until, bool(asked.languages))
    source = _tried(problems, (*place, "source"), input_file, site, asked.source)
    episode = _tried(problems, (*place, "source"), episode_of, site.output, source) if source else None
    if source is None or episode is None or problems:
        return None, [{**found, "msg": told(site, person, found["msg"])} for found in problems]
    if not may_see(site, person, episode):
        raise HTTPException(403, f"Episode {episode} is somebody else's. Ask an admin for access to it.")
    return JobWork("dub", str(source), episode, languages, settings, until=asked.until), []


def refusal(problems: Sequence[Problem]) -> HTTPException:
    """Return what is wrong as FastAPI itself would say it."""
    return HTTPException(422, list(problems))


def _languages(given: Sequence[str], place: Place, problems: list[Problem]) -> tuple[str, ...]:
    found = [
        _tried(problems, (*place, "languages", number), normalise, tag, "languages")
        for number, tag in enumerate(given)
    ]
    return tuple(dict.fromkeys(tag for tag in found if tag))


def _tried(problems: list[Problem], place: Place, check: Any, *arguments: Any) -> Any:
    """Return what a check returns; None when it finds a problem, which is noted."""
    try:
        return check(*arguments)
    except DubkitError as error:
        problems.append({"loc": list(place), "msg": str(error), "type": "value_error"})
        return None


def _check_until(until: str, languages: bool) -> None:
    from dubkit.studio import chain

    scope = chain().named(until, "until").scope if until else "language"
    if not languages and scope != "episode":
        raise DubkitError("A job must name at least one language, such as pt-BR.")


def _text(value: bool | int | float | str) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
