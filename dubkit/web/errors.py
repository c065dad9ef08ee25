"""Errors as answers: JSON for programs, a page for people; nothing of the server's inside shows."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from dubkit.errors import DiskFull, DubkitError, EditConflict, EpisodeBusy

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

FOR_PROGRAMS = ("/api/", "/media/", "/metrics", "/static/")
"""Where answers are JSON or files, never pages."""

NEXT_STEPS = {
    404: "It may have been renamed or removed, or you may not have access to it.",
    403: "Ask an admin, if you should be able to do this.",
    429: "Wait for a while, then try again.",
}
"""What a person may do about a status, beyond the message."""


def is_for_programs(request: Request) -> bool:
    """Tell whether a request wants no page."""
    return request.url.path.startswith(FOR_PROGRAMS)


def problem(request: Request, status: int, detail: Any, headers: Mapping[str, str] | None = None) -> Response:
    """Return an error as the asker can read it: `{"detail": …}`, or a page."""
    if is_for_programs(request):
        return JSONResponse({"detail": detail}, status, dict(headers or {}))
    from dubkit.web.templating import page

    answer = page(
        request, getattr(request.state, "person", None), "error.html", status=status,
        title=HTTPStatus(status).phrase, message=_in_words(detail), next_step=NEXT_STEPS.get(status, ""),
    )  # fmt: skip
    answer.headers.update(headers or {})
    return answer


def add_error_handlers(app: FastAPI) -> None:
    """Answer every expected error of a route."""

    async def refused(request: Request, error: HTTPException) -> Response:
        return problem(request, error.status_code, error.detail, error.headers)

    async def malformed(request: Request, error: RequestValidationError) -> Response:
        # Without what was sent: it may be a password.
        found = [{"loc": list(e["loc"]), "msg": e["msg"], "type": e["type"]} for e in error.errors()]
        return problem(request, 422, found)

    async def user_error(request: Request, error: DubkitError) -> Response:
        return problem(request, status_of(error), str(error))

    app.add_exception_handler(HTTPException, refused)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, malformed)  # type: ignore[arg-type]
    app.add_exception_handler(DubkitError, user_error)  # type: ignore[arg-type]


def status_of(error: DubkitError) -> int:
    """Return the HTTP status of an error the user can mend."""
    for kind, status in _statuses().items():
        if isinstance(error, kind):
            return status
    return 400


def _statuses() -> dict[type[DubkitError], int]:
    from dubkit.web.accounts.users import AccountConflict, NoSuchUser
    from dubkit.web.jobs.kinds import JobConflict

    conflicts: dict[type[DubkitError], int] = dict.fromkeys(
        (AccountConflict, EditConflict, EpisodeBusy, JobConflict), 409
    )
    return {**conflicts, NoSuchUser: 404, DiskFull: 507}


def _in_words(detail: Any) -> str:
    if isinstance(detail, list):
        return "; ".join(f"{'.'.join(str(part) for part in e['loc'][1:])}: {e['msg']}" for e in detail)
    return str(detail)


@dataclass(frozen=True, slots=True)
class Unexpected:
    """ASGI middleware that answers a bug with 500 and keeps its traceback in the log.

    It stands inside the middleware that sets the security headers, so that these answers have them too.
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
        except Exception:
            if scope["type"] != "http" or begun:
                raise
            logger.exception("%s %r failed", scope["method"], scope["path"])
            answer = problem(
                Request(scope), 500, "Something went wrong in the server; its log has the details."
            )
            await answer(scope, receive, send)
