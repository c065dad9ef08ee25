"""Log in and out: check passwords within the limits, begin and end sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import anyio
import anyio.to_thread
from fastapi import Request
from sqlalchemy import delete

from dubkit.web.accounts import passwords
from dubkit.web.accounts.audit import audit
from dubkit.web.accounts.sessions import Sessions, Visit
from dubkit.web.accounts.tables import EndedSession, User
from dubkit.web.accounts.throttle import Throttle
from dubkit.web.accounts.users import Accounts
from dubkit.web.database import ACCOUNTS, now
from dubkit.web.site import Site

AT_ONCE = 2
"""Passwords hashed at the same time. Each takes 64 MB and a core, so more would let a flood win."""


@dataclass(frozen=True, slots=True)
class TooMany(Exception):
    """Too many failures; no login is tried for `seconds`."""

    seconds: int


class Logins:
    """Logs people in and out of one site."""

    def __init__(self, site: Site, accounts: Accounts, sessions: Sessions) -> None:
        self._site = site
        self._accounts = accounts
        self._sessions = sessions
        self._throttle = Throttle()
        self._hashing = anyio.CapacityLimiter(AT_ONCE)

    async def log_in(self, name: str, password: str, address: str) -> Visit | None:
        """Return a new session, or None when name or password is wrong. Raises TooMany."""
        account = name.strip().lower()
        self._refuse_many(account, address)
        return await anyio.to_thread.run_sync(self._check, account, password, address, limiter=self._hashing)

    def _refuse_many(self, account: str, address: str) -> None:
        seconds = self._throttle.wait(account, address)
        if seconds:
            raise TooMany(seconds)

    def _check(self, account: str, password: str, address: str) -> Visit | None:
        # Again: others may have failed while this one waited for its turn.
        self._refuse_many(account, address)
        user = self._accounts.user(account)
        if not passwords.matches(user.password if user else None, password) or user is None:
            self._throttle.failed(account, address)
            # An unknown name may be a password typed into the wrong field.
            tried = user.name if user else "unknown name"
            audit(self._site, user.name if user else "-", "login failed", tried, f"from {address}")
            return None
        if passwords.is_outdated(user.password):
            self._accounts.rehash(user.name, password, user.password)
        self._throttle.succeeded(account)
        audit(self._site, user.name, "login", user.name, f"from {address}")
        return self.session_of(user)

    async def own_password(self, user: str, password: str, address: str) -> bool:
        """Tell whether a logged-in user knows the password; failures count like those of logins."""
        self._refuse_many(user, address)

        def check() -> bool:
            self._refuse_many(user, address)
            row = self._accounts.user(user)
            right = passwords.matches(row.password if row else None, password)
            if not right:
                self._throttle.failed(user, address)
                audit(self._site, user, "password refused", user, f"from {address}")
            return right

        return await anyio.to_thread.run_sync(check, limiter=self._hashing)

    def session_of(self, user: User) -> Visit:
        """Begin a session for a user whose password was right."""
        return self._sessions.new(user.name, user.session_version)

    def end(self, visit: Visit) -> None:
        """End a session: a copy of its cookie is worthless from now on."""
        if visit.anonymous:
            return
        long_over = now() - timedelta(seconds=2 * self._sessions.seconds)
        with self._site.database.transaction(ACCOUNTS) as session:
            session.execute(delete(EndedSession).where(EndedSession.ended < long_over))
            session.merge(EndedSession(id=visit.id))


def safe_next(text: str) -> str:
    """Return where to go after login: always a path on this server."""
    local = text.startswith("/") and not text.startswith("//") and "\\" not in text and text.isprintable()
    return text if local and len(text) <= 2000 and not text.startswith("/login") else "/"


def address_of(request: Request) -> str:
    """Return the address a request comes from."""
    return request.client.host if request.client else "-"
