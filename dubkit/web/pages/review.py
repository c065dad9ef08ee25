"""The review page: one language of an episode, line by line."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from dubkit.chain.summary import kept_remarks
from dubkit.episode.results import finished_dub
from dubkit.episode.store import EpisodeStore
from dubkit.errors import SettingError
from dubkit.qc.check import CHECKS, measure_title
from dubkit.translate.language import language_name
from dubkit.types import Episode
from dubkit.web.accounts.access import OpenEpisode, Viewer
from dubkit.web.accounts.names import safe_name
from dubkit.web.http.headers import FIXED
from dubkit.web.templating import STATIC, page

router = APIRouter(include_in_schema=False)

SHARED = (
    "debounce.js",
    "dom.js",
    "format.js",
    "http.js",
    "job_events.js",
    "stages.js",
    "toast.js",
    "voices.js",
)
"""Modules of all pages that those of the review page import."""

SOUND_STEPS = Fraction(25)
"""Steps a second where there are no frames."""


@router.get("/episodes/{episode}/{language}/review")
def review_page(request: Request, person: Viewer, folder: OpenEpisode, language: str) -> HTMLResponse:
    """Show the lines of one language with source, dub and takes; a viewer sees them without the controls."""
    tag = safe_name(language)
    store = folder.store
    name = _name_of(tag)
    languages = _languages(store)
    finished = tag in languages
    video = store.read("episode.json", Episode).video if store.has("episode.json") else None
    answer = page(
        request,
        person,
        "review.html",
        status=200 if finished else 404,
        episode=folder.name,
        language=tag,
        language_name=name,
        languages=[(other, _name_of(other)) for other in languages],
        finished=finished,
        why="" if finished else _why_unfinished(store, languages, name),
        dubbed=finished_dub(store, tag) is not None,
        has_video=video is not None,
        frame=f"{float(1 / (video.rate if video else SOUND_STEPS)):.9g}",
        flags={check.name: (check.title, check.meaning, measure_title(check.name)) for check in CHECKS},
        modules=_modules(),
        remarks=[one for one in kept_remarks(store) if one.language in ("", tag)],
    )
    answer.headers["Permissions-Policy"] = FIXED["Permissions-Policy"].replace(
        "microphone=()", "microphone=(self)"
    )
    return answer


def _name_of(tag: str) -> str:
    try:
        return language_name(tag)
    except SettingError:
        raise HTTPException(404, f"There is no language {tag}.") from None


def _languages(store: EpisodeStore) -> list[str]:
    return sorted(path.parent.name for path in store.root.glob("*/translation.json"))


def _why_unfinished(store: EpisodeStore, languages: list[str], name: str) -> str:
    """Say what is missing and what to do about it."""
    if not store.has("transcript.json"):
        return "The source is not transcribed yet. Wait for its job to finish, or start one, then come back."
    if not languages:
        return f"The lines are not translated yet. Wait for the job to finish, or start one into {name}."
    known = ", ".join(_name_of(tag) for tag in languages)
    return f"The episode has lines in {known}. Start a job into {name}, and review it when it is translated."


@cache
def _modules() -> tuple[str, ...]:
    """Modules the page loads, below `static/js`: named in the page, they come at once and not one by one."""
    return (*SHARED, *(f"review/{path.name}" for path in sorted((STATIC / "js" / "review").glob("*.js"))))
