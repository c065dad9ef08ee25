"""The session a request came with, and the CSRF token of its page."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from dubkit.web.accounts.sessions import Sessions, Visit


@dataclass(slots=True)
class Carried:
    """The session of one request; the guard writes what became of it into the answer."""

    visit: Visit | None = None
    write: bool = False
    """The answer carries the cookie: the session is new, or due to be renewed."""
    drop: bool = False
    """The answer takes the cookie away."""

    def begin(self, visit: Visit) -> None:
        """Go on with another session from here."""
        self.visit, self.write, self.drop = visit, True, False

    def end(self) -> None:
        """Go on with no session."""
        self.visit, self.write, self.drop = None, False, True


def carried(request: Request) -> Carried:
    """Return the session of a request."""
    found: Carried | None = getattr(request.state, "carried", None)
    if found is None:  # refused before anybody looked: a session begun here is not kept
        found = request.state.carried = Carried()
    return found


def csrf_token(request: Request) -> str:
    """Return the token that forms and scripts of the page must send back.

    A browser without a session is given an anonymous one by this, for the token to be bound to.
    """
    sessions: Sessions = request.app.state.sessions
    session = carried(request)
    if session.visit is None:
        session.begin(sessions.new())
    assert session.visit is not None
    return sessions.csrf(session.visit)
