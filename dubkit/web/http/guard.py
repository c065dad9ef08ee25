"""The guard runs before every route: it identifies the caller and refuses whoever may not come in.

Every path but those in `OPEN` is closed, so a route that forgets its dependency is closed too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

import anyio.to_thread
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dubkit.web.accounts.csrf import RequestSession
from dubkit.web.accounts.hosts import Hosts
from dubkit.web.accounts.identity import Identity
from dubkit.web.http.errors import is_for_part, is_for_programs, problem
from dubkit.web.http.headers import is_upload

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from dubkit.web.accounts.people import Person
    from dubkit.web.accounts.sessions import Sessions

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN = frozenset({"/login", "/api/health", "/api/health/live", "/api/health/ready"})
"""Paths open to everybody."""

OWN_AFFAIRS = ("/logout", "/login", "/api/password", "/api/tokens")
"""What a viewer may change: it concerns only the viewer."""

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 1000
"""Fields of a form that are read at most."""

LOGGED_OUT = "You are no longer logged in. Reload the page to log in."
TOO_OLD = "The page is too old or not from this server. Reload it and repeat what you did."


@dataclass(frozen=True, slots=True)
class Guard:
    """ASGI middleware; sets `request.state.person` (or None) and `request.state.session`."""

    app: ASGIApp
    hosts: Hosts
    identity: Identity
    sessions: Sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        session = request.state.session = RequestSession()
        request.state.person = None

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._set_cookie(session, MutableHeaders(scope=message))
            await send(message)

        try:
            receive = await self._check(request, receive)
        except HTTPException as refusal:
            await self._refusal(request, refusal)(scope, receive, sending)
        else:
            await self.app(scope, receive, sending)

    async def _check(self, request: Request, receive: Receive) -> Receive:
        """Let the request in or raise HTTPException; return where its body is read from now on."""
        if not self.hosts.accepts(request.headers.get("host", "")):
            raise HTTPException(400, "This is not a name of the server; serve.hosts lists its names.")
        path = request.url.path
        if path.startswith("/static/") and request.method in SAFE:
            return receive
        caller = await anyio.to_thread.run_sync(self.identity.of, request)
        session: RequestSession = request.state.session
        session.visit, session.write = caller.visit, caller.renew
        request.state.person = caller.person
        if caller.person is None and path not in OPEN:
            raise HTTPException(401, caller.reason, {"WWW-Authenticate": "Bearer"})
        if request.method in SAFE:
            return receive
        if not caller.by_token:
            self._check_origin(request)
            receive = await self._check_csrf(request, receive)
        if caller.person is not None:
            _check_role(caller.person, path)
        return receive

    def _check_origin(self, request: Request) -> None:
        origin = request.headers.get("origin")
        host = request.headers.get("host", "")
        foreign = origin is not None and urlsplit(origin).netloc.lower() != host.lower()
        if foreign or request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise HTTPException(403, "The request comes from a page on another site.")

    async def _check_csrf(self, request: Request, receive: Receive) -> Receive:
        token = request.headers.get("x-csrf-token", "")
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        # No page sends an upload as a form, and its body may be larger than the memory.
        if not token and kind == FORM and not is_upload(request.url.path):
            body = await request.body()
            token = _field(body, "csrf_token")
            receive = _again(body, receive)
        visit = request.state.session.visit
        if visit is None or not self.sessions.csrf_matches(visit, token):
            raise HTTPException(403, TOO_OLD + " Programs send the X-CSRF-Token header, or a token.")
        return receive

    def _refusal(self, request: Request, refusal: HTTPException) -> Response:
        if refusal.status_code == 401 and is_for_part(request):
            return problem(request, 401, LOGGED_OUT, refusal.headers)
        to_page = refusal.status_code == 401 and not is_for_programs(request)
        if to_page and request.method in ("GET", "HEAD") and "authorization" not in request.headers:
            there = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/login?next={quote(there, safe='')}", 303)
        return problem(request, refusal.status_code, refusal.detail, refusal.headers)

    def _set_cookie(self, session: RequestSession, headers: MutableHeaders) -> None:
        if session.write and session.visit is not None:
            headers.append("Set-Cookie", self.sessions.set_cookie(session.visit))
        elif session.drop:
            headers.append("Set-Cookie", self.sessions.remove_cookie)
        if session.device:
            headers.append("Set-Cookie", session.device)


def _field(form: bytes, name: str) -> str:
    """Return a field of a form; "" when it is missing or there are too many fields."""
    try:
        return parse_qs(form.decode("latin-1"), max_num_fields=MOST_FIELDS).get(name, [""])[0]
    except ValueError:
        return ""


def _check_role(person: Person, path: str) -> None:
    own = any(path == open or path.startswith(open + "/") for open in OWN_AFFAIRS)
    if not own and not person.may("editor"):
        raise HTTPException(403, f"{person.name} has the role viewer, which may not change anything.")


def _again(body: bytes, receive: Receive) -> Receive:
    """Give a body that was read already to the route as well."""
    replayed = False

    async def reading() -> Message:
        nonlocal replayed
        if replayed:
            return await receive()
        replayed = True
        return {"type": "http.request", "body": body, "more_body": False}

    return reading
