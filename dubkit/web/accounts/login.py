"""Log in and out: check passwords at a bearable pace, begin and end sessions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import anyio
import anyio.to_thread
from anyio import sleep
from fastapi import Request
from sqlalchemy import delete

from dubkit.web.accounts import passwords
from dubkit.web.accounts.audit import audit
from dubkit.web.accounts.devices import Devices
from dubkit.web.accounts.sessions import Sessions, Visit
from dubkit.web.accounts.tables import EndedSession, User
from dubkit.web.accounts.throttle import PER_DEVICE, Throttle, TooMany
from dubkit.web.accounts.users import Accounts
from dubkit.web.database import ACCOUNTS, now
from dubkit.web.site import Site

T = TypeVar("T")

AT_ONCE = 2
"""Passwords hashed at the same time. Each takes 64 MB and a core, so more would let a flood win."""


class Logins:
    """Logs people in and out of one site."""

    def __init__(self, site: Site, accounts: Accounts, sessions: Sessions) -> None:
        self._site = site
        self._accounts = accounts
        self._sessions = sessions
        self.devices = Devices(site.secret, secure=sessions.secure)
        self._throttle = Throttle()
        self._hashing = anyio.CapacityLimiter(AT_ONCE)

    async def log_in(self, name: str, password: str, address: str, cookie: str = "") -> Visit | None:
        """Return a new session, or None when name or password is wrong.

        `cookie` is what the browser sent of an earlier login. One that is not known waits here after too many
        failures on the account or from the address. Raises TooMany when too many wait already.
        """
        account = name.strip().lower()
        device = self.devices.known(cookie, account)
        if device and self._throttle.trusts(device):
            return await self._hashed(self._check, account, password, address, device, 0.0)
        with self._throttle.place(account, address) as seconds:
            await sleep(seconds)
            return await self._hashed(self._check, account, password, address, "", seconds)

    async def _hashed(self, check: Callable[..., T], *arguments: object) -> T:
        return await anyio.to_thread.run_sync(check, *arguments, limiter=self._hashing)

    def _check(self, account: str, password: str, address: str, device: str, waited: float) -> Visit | None:
        # Others may have failed while this one waited for its turn to be hashed.
        if not device and not waited and (seconds := self._throttle.wait(account, address)):
            raise TooMany(round(seconds) + 1)
        user = self._accounts.user(account)
        if not passwords.matches(user.password if user else None, password) or user is None:
            if device:
                self._throttle.device_failed(device)
            else:
                self._throttle.failed(account, address)
            # An unknown name may be a password typed into the wrong field.
            tried = user.name if user else "unknown name"
            audit(self._site, user.name if user else "-", "login failed", tried, f"from {address}")
            return None
        if passwords.is_outdated(user.password):
            self._accounts.rehash(user.name, password, user.password)
        if not device:
            self._throttle.succeeded(account)
        audit(self._site, user.name, "login", user.name, f"from {address}")
        return self.session_of(user)

    async def own_password(self, user: str, password: str, address: str) -> bool:
        """Tell whether a logged-in user knows the password. Raises TooMany after too many wrong ones."""

        def check() -> bool:
            if not self._throttle.trusts(user):
                raise TooMany(PER_DEVICE.get_expiry())
            row = self._accounts.user(user)
            right = passwords.matches(row.password if row else None, password)
            if not right:
                self._throttle.device_failed(user)
                audit(self._site, user, "password refused", user, f"from {address}")
            return right

        return await self._hashed(check)

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
