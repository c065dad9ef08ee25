"""The session of a request, and the CSRF token of its page."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from dubkit.web.accounts.sessions import Sessions, Visit


@dataclass(slots=True)
class RequestSession:
    """The session of one request; the guard sets the cookie of the answer by it."""

    visit: Visit | None = None
    write: bool = False
    """The answer sets the cookie: the session is new, or due for renewal."""
    drop: bool = False
    """The answer removes the cookie."""
    device: str = ""
    """Set-Cookie header of a browser that is known from now on."""

    def begin(self, visit: Visit) -> None:
        """Continue with another session."""
        self.visit, self.write, self.drop = visit, True, False

    def end(self) -> None:
        """Continue without a session."""
        self.visit, self.write, self.drop = None, False, True


def request_session(request: Request) -> RequestSession:
    """Return the session of a request."""
    session: RequestSession | None = getattr(request.state, "session", None)
    if session is None:  # refused before it was looked for: a session begun here is not kept
        session = request.state.session = RequestSession()
    return session


def csrf_token(request: Request) -> str:
    """Return the token that forms and scripts of the page must send back.

    The token is bound to a session, so a browser without one gets an anonymous session.
    """
    sessions: Sessions = request.app.state.sessions
    session = request_session(request)
    if session.visit is None:
        session.begin(sessions.new())
    assert session.visit is not None
    return sessions.csrf(session.visit)
