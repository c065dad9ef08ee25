"""Who sent a request: identified by token, by session, or as the user of this machine."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from starlette.requests import Request

from dubkit.web.accounts.people import LOCAL, TOKEN_OF_SETTINGS, Person
from dubkit.web.accounts.sessions import Sessions, Visit
from dubkit.web.accounts.tables import EndedSession, User
from dubkit.web.accounts.users import Accounts, role_named
from dubkit.web.settings import Serve
from dubkit.web.site import Site

LOG_IN = "Log in, or send a token in the Authorization header."
PROXIED = ("x-forwarded-for", "x-forwarded-host", "forwarded", "x-real-ip", "via")
"""Headers of proxies: such a request is not from this machine, whatever its address says."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request, as far as it is known."""

    person: Person | None
    visit: Visit | None = None
    renew: bool = False
    by_token: bool = False
    reason: str = LOG_IN
    """Why there is no person."""


class Identity:
    """Identifies callers."""

    def __init__(self, site: Site, accounts: Accounts, sessions: Sessions) -> None:
        self._site = site
        self._accounts = accounts
        self._sessions = sessions
        self._has_users = False

    def of(self, request: Request) -> Caller:
        """Identify the caller of a request. With an invalid token, a valid session does not help."""
        authorization = request.headers.get("authorization")
        if authorization is not None:
            return self._by_token(authorization)
        cookie = request.cookies.get(self._sessions.cookie, "")
        visit, renew = self._sessions.read(cookie) or (None, False)
        if visit is not None and not visit.anonymous:
            person = self._by_session(visit)
            if person is not None:
                return Caller(person, visit, renew)
            visit, renew = None, False
        if self.is_password_less(request):
            return Caller(LOCAL, visit, renew)
        return Caller(None, visit, renew)

    def is_password_less(self, request: Request) -> bool:
        """Tell whether the user of this machine needs no password: the server has no users, and nobody else
        can reach it."""
        if not self._site.local or any(name in request.headers for name in PROXIED):
            return False
        # The last admin cannot be removed, so there are users for good.
        self._has_users = self._has_users or self._accounts.any()
        return not self._has_users

    def _by_token(self, authorization: str) -> Caller:
        scheme, _, clear = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return Caller(None, by_token=True, reason="The Authorization header must hold a Bearer token.")
        clear = clear.strip()
        own = Serve.of(self._site.settings).api_token
        if own and _same(own, clear):
            return Caller(TOKEN_OF_SETTINGS, by_token=True)
        person = self._accounts.by_token(clear)
        return Caller(person, by_token=True, reason="The token is not valid, was revoked or has expired.")

    def _by_session(self, visit: Visit) -> Person | None:
        with self._site.database.reading() as session:
            user = session.get(User, visit.user)
            if user is None or user.session_version != visit.version:
                return None
            if session.get(EndedSession, visit.id) is not None:
                return None
            return Person(user.name, role_named(user.role))


def _same(one: str, other: str) -> bool:
    digests = [hashlib.sha256(text.encode("utf-8", "replace")).digest() for text in (one, other)]
    return hmac.compare_digest(*digests)
