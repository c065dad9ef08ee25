"""The audit log: who did what, and when. Entries are only added."""

from __future__ import annotations

import time
from threading import Lock

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy import select

from dubkit.web.accounts.people import Person
from dubkit.web.accounts.tables import AuditEntry
from dubkit.web.database import Database
from dubkit.web.site import Site

ONCE = 3600.0
"""Seconds without a request for a file after which the next one counts as a new download or playback."""


def audit(site: Site, person: Person | str, action: str, subject: str, detail: str = "") -> None:
    """Record that a person did something to a subject, such as `login`, `edit`, `lock` or `download`.

    Passwords, tokens and texts of lines do not belong in `detail`.
    """
    note(site.database, person if isinstance(person, str) else person.name, action, subject, detail)


def note(database: Database, name: str, action: str, subject: str, detail: str = "") -> None:
    """Record what was done where there is no site, as on the command line."""
    entry = AuditEntry(
        person=_line(name, 64),
        action=_line(action, 40),
        subject=_line(subject, 300),
        detail=_line(detail, 2000),
    )
    with database.transaction() as session:
        session.add(entry)


class RecentDownloads:
    """Who was sent which file lately: players and resumed downloads request a file piece by piece."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._sent: dict[tuple[str, str, str], float] = {}

    def is_new(self, person: str, action: str, subject: str) -> bool:
        """Tell whether this is the first request in `ONCE` seconds, and remember it."""
        request, moment = (person, action, subject), time.monotonic()
        with self._lock:
            self._sent = {one: at for one, at in self._sent.items() if moment - at < ONCE}
            new = request not in self._sent
            self._sent[request] = moment
        return new


def audit_download(
    request: Request, site: Site, person: Person, subject: str, answer: Response, *, player: bool = False
) -> Response:
    """Record that a file was sent, once however many pieces a client requests; return the answer.

    What a `player` on a page requests in ranges is recorded as played, everything else as a download.
    """
    if request.method != "GET" or answer.status_code not in (200, 206):
        return answer
    byte_range = request.headers.get("range", "")
    action = "play" if player and byte_range else "download"
    new = _recent(request).is_new(person.name, action, subject)
    again = action == "download" and (not byte_range or byte_range.startswith("bytes=0-"))
    if new or again:
        audit(site, person, action, subject)
    return answer


def _recent(request: Request) -> RecentDownloads:
    recent: RecentDownloads = request.app.state.recent
    return recent


def entries(site: Site, *, before: int = 0, limit: int = 100, person: str = "") -> list[AuditEntry]:
    """Return entries, newest first; `before` is the number of the last one seen."""
    query = select(AuditEntry).order_by(AuditEntry.number.desc()).limit(limit)
    if before:
        query = query.where(AuditEntry.number < before)
    if person:
        query = query.where(AuditEntry.person == person)
    with site.database.reading() as session:
        return list(session.scalars(query))


def _line(text: str, longest: int) -> str:
    # One entry is one line of text: nothing that a client sent may look like a second entry, and
    # PostgreSQL takes no NUL.
    return "".join(letter if letter.isprintable() else "�" for letter in text)[:longest]
