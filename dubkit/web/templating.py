"""Pages from templates: the Jinja2 environment, its filters and functions, and `page`."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from dubkit.qc.numbers import clock
from dubkit.translate.language import language_name
from dubkit.types.telling import ALIKE, told
from dubkit.web.jobs.kinds import ENDED

if TYPE_CHECKING:
    from dubkit.web.accounts.people import Person

HERE = Path(__file__).parent
STATIC = HERE / "static"

STATES: dict[str, tuple[str, str, str]] = {
    "queued": ("clock", "Waiting", "calm"),
    "running": ("play", "Running", "busy"),
    "done": ("check", "Done", "good"),
    "degraded": ("warning", "Done, with notes", "warn"),
    "failed": ("cross", "Failed", "bad"),
    "cancelled": ("stop", "Cancelled", "calm"),
}
"""State of a job -> icon, word and colour class. Colour alone never shows a state."""


def page(
    request: Request, person: Person | None, template: str, *, status: int = 200, **values: Any
) -> HTMLResponse:
    """Render `template` for `person` (None: nobody is logged in, and no navigation is shown)."""
    from dubkit.web.accounts.csrf import csrf_token
    from dubkit.web.accounts.people import LOCAL

    role = person.role if person else ""
    local = person == LOCAL
    text = (
        environment()
        .get_template(template)
        .render(
            request=request,
            here=request.url.path,
            person=person,
            local=local,
            may_edit=role in ("editor", "admin"),
            is_admin=role == "admin",
            csrf_token=csrf_token(request),
            csp_nonce=getattr(request.state, "csp_nonce", ""),
            status=status,
            **values,
        )
    )
    # A page names people and holds a token: no cache may keep it.
    return HTMLResponse(text, status, headers={"Cache-Control": "no-store"})


@cache
def environment() -> Environment:
    """Return the environment: every value is escaped, and an unknown name is an error."""
    jinja = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinja.globals.update(static=static_url, icon=icon, states=STATES, ENDED=ENDED, stage_titles=stage_titles)
    jinja.filters.update(
        duration=duration,
        clock=clock,
        moment=moment,
        size=size,
        segment=segment,
        slug=slug,
        count=count,
        language=language_name,
        stage=stage_title,
        told=partial(told, most=ALIKE, more="the report tells them all"),
    )
    return jinja


@cache
def stage_title(name: str) -> str:
    """Return what a stage does, as people say it; the name of one that is not here."""
    from dubkit.studio import chain

    return next((stage.title for stage in chain().stages if stage.name == name and stage.title), name)


def stage_titles() -> dict[str, str]:
    """Return the title of each stage by its name, for the scripts."""
    from dubkit.studio import chain

    return {stage.name: stage.title or stage.name for stage in chain().stages}


def static_url(path: str) -> str:
    """Return the URL of a file below `static`, with a version so that a browser may cache it."""
    return f"/static/{path}?v={_version(path)}"


@cache
def _version(path: str) -> str:
    return hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:10]


def icon(name: str) -> Markup:
    """Return an icon from `static/icons.svg`. Screen readers skip it, so it needs a word beside it."""
    return Markup('<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>').format(
        static_url("icons.svg"), name
    )


def duration(seconds: float | None) -> str:
    """Format a duration: `48 s`, `12 min 5 s`, `1 h 4 min`; `not known` for None."""
    if seconds is None:
        return "not known"
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s" if whole or not seconds else "1 s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def moment(when: datetime) -> Markup:
    """Return a time in UTC, which the browser converts to local time (`js/times.js`)."""
    utc = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        utc.isoformat(timespec="seconds"), utc.strftime("%Y-%m-%d %H:%M UTC")
    )


def size(octets: float) -> str:
    """Format a number of bytes: `3.4 MB`."""
    value = float(octets)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def segment(text: str) -> str:
    """Quote one segment of a URL path: a slash or question mark in a name must not become syntax."""
    return quote(text, safe="")


def slug(text: str) -> str:
    """Return a short id for a text, to be part of an element's id."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def count(number: int, one: str, many: str = "") -> str:
    """Format a number with its noun: `1 line`, `3 lines`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
