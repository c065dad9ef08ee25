"""Pages to log in and out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from dubkit.web.accounts.csrf import request_session
from dubkit.web.accounts.login import Logins, address_of, safe_next
from dubkit.web.accounts.throttle import TooMany
from dubkit.web.templating import page

router = APIRouter(include_in_schema=False)

WRONG = "Name or password is wrong."
NEEDS_HTTPS = (
    "You reached this server over plain HTTP, but browsers keep its session only over HTTPS. "
    "Put an HTTPS proxy in front of it."
)


@router.get("/login")
def login_page(request: Request, next: str = "/") -> Response:
    """Show the form, or redirect when the person is logged in already."""
    if request.state.person is not None:
        return RedirectResponse(safe_next(next), 303)
    plain = request.app.state.sessions.secure and request.url.scheme != "https"
    return _form(request, next, NEEDS_HTTPS if plain else "")


@router.post("/login")
async def log_in(
    request: Request,
    name: Annotated[str, Form(max_length=200)],
    password: Annotated[str, Form(max_length=4000)],
    next: Annotated[str, Form(max_length=4000)] = "/",
) -> Response:
    """Check the password and begin a new session, so that an old session id is useless."""
    logins: Logins = request.app.state.logins
    try:
        known = request.cookies.get(logins.devices.cookie, "")
        visit = await logins.log_in(name, password, address_of(request), known)
    except TooMany as refused:
        again = f"Too many failed logins wait already. Try again in {refused.seconds} s."
        answer = _form(request, next, again, name, 429)
        answer.headers["Retry-After"] = str(refused.seconds)
        return answer
    if visit is None:
        return _form(request, next, WRONG, name, 401)
    session = request_session(request)
    if session.visit is not None:
        logins.end(session.visit)
    session.begin(visit)
    session.device = logins.devices.set_cookie(visit.user)
    return RedirectResponse(safe_next(next), 303)


@router.post("/logout")
def log_out(request: Request) -> Response:
    """End the session."""
    session = request_session(request)
    if session.visit is not None:
        request.app.state.logins.end(session.visit)
    session.end()
    return RedirectResponse("/login", 303)


def _form(request: Request, next: str, error: str, name: str = "", status: int = 200) -> Response:
    return page(
        request, None, "login.html", status=status, error=error, name=name[:200], next=safe_next(next)
    )
