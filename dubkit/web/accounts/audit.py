"""The audit log: who did what, when. It is only ever added to."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy import select

from dubkit.web.accounts.people import Person
from dubkit.web.accounts.tables import AuditEntry
from dubkit.web.database import Database
from dubkit.web.site import Site


def audit(site: Site, person: Person | str, action: str, subject: str, detail: str = "") -> None:
    """Note that a person did something to a subject, such as `login`, `edit`, `lock` or `download`.

    Passwords, tokens and texts of lines do not belong in `detail`.
    """
    note(site.database, person if isinstance(person, str) else person.name, action, subject, detail)


def note(database: Database, name: str, action: str, subject: str, detail: str = "") -> None:
    """Note what was done where there is no site, as on the command line."""
    entry = AuditEntry(
        person=_line(name, 64),
        action=_line(action, 40),
        subject=_line(subject, 300),
        detail=_line(detail, 2000),
    )
    with database.transaction() as session:
        session.add(entry)


def audit_download(request: Request, site: Site, person: Person, subject: str, answer: Response) -> Response:
    """Note that a file was sent to be kept, once for however many ranges a client asks; return the answer."""
    from_start = request.headers.get("range", "bytes=0-").startswith("bytes=0-")
    if request.method == "GET" and answer.status_code in (200, 206) and from_start:
        audit(site, person, "download", subject)
    return answer


def entries(site: Site, *, before: int = 0, limit: int = 100, person: str = "") -> list[AuditEntry]:
    """Return entries, newest first; `before` is the number of the last one already seen."""
    wanted = select(AuditEntry).order_by(AuditEntry.number.desc()).limit(limit)
    if before:
        wanted = wanted.where(AuditEntry.number < before)
    if person:
        wanted = wanted.where(AuditEntry.person == person)
    with site.database.reading() as session:
        return list(session.scalars(wanted))


def _line(text: str, longest: int) -> str:
    # One entry is one line of text: what a client sent must not be able to look like a second entry, and
    # PostgreSQL takes no NUL.
    return "".join(letter if letter.isprintable() else "�" for letter in text)[:longest]
