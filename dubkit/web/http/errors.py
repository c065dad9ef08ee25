"""Errors as answers: JSON for programs, a page for people, and no details of the server's inside."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException

from dubkit.errors import DiskFull, DubkitError, EditConflict, EpisodeBusy, VoiceRefused
from dubkit.web.accounts.redaction import redact

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

FOR_PROGRAMS = ("/api/", "/media/", "/metrics", "/static/")
"""Paths whose answers are JSON or files, never pages."""

_NUMBER = re.compile(r"[01](\.\d{0,3})?")
"""A weight in an Accept header."""

NO_DATABASE = (
    "The database does not answer: it is locked, full or unreachable; the log of the server says which. "
    "Try again soon."
)

NEXT_STEPS = {
    404: "It may have been renamed or removed, or you may not have access to it.",
    403: "Ask an admin, if you should be able to do this.",
    429: "Wait for a while, then try again.",
}
"""What a person can do about an error, by status."""


def is_for_programs(request: Request) -> bool:
    """Tell whether a request comes from a program or a page's script, not from somebody with a browser."""
    return request.url.path.startswith(FOR_PROGRAMS) or prefers_json(request.headers.get("accept", ""))


def prefers_json(accept: str) -> bool:
    """Tell whether an Accept header would rather have JSON than a page.

    >>> prefers_json("application/json"), prefers_json("text/html,application/json;q=0.9")
    (True, False)
    """
    weights = {"application/json": 0.0, "text/html": 0.0}
    for part in accept.split(","):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        kind = "application/json" if kind == "application/problem+json" else kind
        if kind in weights:
            weights[kind] = max(weights[kind], float(weight) if _NUMBER.fullmatch(weight) else 0.0)
    return weights["application/json"] > weights["text/html"]


def is_for_part(request: Request) -> bool:
    """Tell whether a page requests a part of itself (by htmx), where errors are shown too."""
    return request.headers.get("hx-request") == "true" and not is_for_programs(request)


def problem(request: Request, status: int, detail: Any, headers: Mapping[str, str] | None = None) -> Response:
    """Return an error in the form the caller reads: `{"detail": …}`, a page, or a sentence in a page."""
    if is_for_programs(request):
        return JSONResponse({"detail": detail}, status, dict(headers or {}))
    if is_for_part(request):
        return _part(status, " ".join(filter(None, (_in_words(detail), NEXT_STEPS.get(status)))), headers)
    from dubkit.web.templating import page

    answer = page(
        request, getattr(request.state, "person", None), "error.html", status=status,
        title=HTTPStatus(status).phrase, message=_in_words(detail), next_step=NEXT_STEPS.get(status, ""),
    )  # fmt: skip
    answer.headers.update(headers or {})
    return answer


def _part(status: int, message: str, headers: Mapping[str, str] | None) -> Response:
    """Return an error in the place of a part, until the page requests that again."""
    from markupsafe import Markup

    from dubkit.web.templating import icon

    notice = Markup('<div class="notice bad" role="alert">{}<div>{}</div></div>')
    into = {"HX-Reselect": ".notice", "HX-Reswap": "innerHTML"}
    return HTMLResponse(notice.format(icon("warning"), message), status, {**into, **(headers or {})})


def add_error_handlers(app: FastAPI) -> None:
    """Answer every expected error of a route."""

    async def refused(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers["Allow"] = ", ".join(_methods_of(request)) or headers.get("Allow", "")
        return problem(request, error.status_code, error.detail, headers)

    async def malformed(request: Request, error: RequestValidationError) -> Response:
        # Without the value that was sent: it may be a password.
        problems = [{"loc": list(e["loc"]), "msg": e["msg"], "type": e["type"]} for e in error.errors()]
        return problem(request, 422, problems)

    async def user_error(request: Request, error: DubkitError) -> Response:
        return problem(request, status_of(error), _redacted(request, str(error)))

    app.add_exception_handler(HTTPException, refused)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, malformed)  # type: ignore[arg-type]
    app.add_exception_handler(DubkitError, user_error)  # type: ignore[arg-type]


def _methods_of(request: Request) -> list[str]:
    """Return the methods of all routes of a path; each route has but one of them."""
    methods: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        if route.path and _pattern(route.path).fullmatch(request.url.path):
            methods |= route.methods or set()
    return sorted(methods)


@cache
def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\{[^}]+\})", path)
    return re.compile(
        "".join((".+" if p.endswith(":path}") else "[^/]+") if p[:1] == "{" else re.escape(p) for p in parts)
    )


def status_of(error: DubkitError) -> int:
    """Return the HTTP status of an error that the user can correct."""
    for kind, status in _statuses().items():
        if isinstance(error, kind):
            return status
    return 400


def _statuses() -> dict[type[DubkitError], int]:
    from dubkit.web.accounts.users import AccountConflict, NoSuchUser
    from dubkit.web.files.trash import TrashConflict
    from dubkit.web.jobs.kinds import JobConflict, TooManyJobs

    conflicts: dict[type[DubkitError], int] = dict.fromkeys(
        (AccountConflict, EditConflict, EpisodeBusy, JobConflict, TrashConflict), 409
    )
    return {**conflicts, NoSuchUser: 404, DiskFull: 507, TooManyJobs: 429, VoiceRefused: 422}


def _redacted(request: Request, text: str) -> str:
    """Return a message as the caller may read it: only admins see where folders are."""
    person = getattr(request.state, "person", None)
    return redact(request.app.state.site, person, text) if person is not None else text


def _in_words(detail: Any) -> str:
    if isinstance(detail, list):
        return "; ".join(f"{'.'.join(str(part) for part in e['loc'][1:])}: {e['msg']}" for e in detail)
    return str(detail)


@dataclass(frozen=True, slots=True)
class Unexpected:
    """ASGI middleware that answers a bug with 500 and keeps its traceback in the log.

    It runs inside the middleware that sets the security headers, so these answers have them too.
    """

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except Exception as error:
            if scope["type"] != "http" or begun:
                raise
            request = Request(scope)
            if _is_no_database(error):
                logger.warning("%s %r: no database: %s", scope["method"], scope["path"], error)
                answer = problem(request, 503, NO_DATABASE, {"Retry-After": "5"})
            else:
                logger.exception("%s %r failed", scope["method"], scope["path"])
                answer = problem(request, 500, "Something went wrong in the server; its log has the details.")
            await answer(scope, receive, send)


def _is_no_database(error: Exception) -> bool:
    """Tell whether the database is locked, full, read-only or gone: not the fault of the request."""
    from sqlalchemy.exc import InterfaceError, OperationalError, TimeoutError

    return isinstance(error, (OperationalError, InterfaceError, TimeoutError))
