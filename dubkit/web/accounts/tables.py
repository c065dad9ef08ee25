"""Tables of the accounts: users, tokens, grants, inputs and trash, ended sessions, and the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from dubkit.web.database import Moment, Table, now


class User(Table):
    """A user, who logs in with a password."""

    __tablename__ = "user_account"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    role: Mapped[str] = mapped_column(String(16))
    password: Mapped[str] = mapped_column(Text)
    """Argon2 hash, never the password."""
    session_version: Mapped[int]
    """Raised to end every session of the user."""
    created: Mapped[datetime] = mapped_column(Moment, default=now)


class Token(Table):
    """A token that a script sends instead of logging in."""

    __tablename__ = "api_token"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    user: Mapped[str] = mapped_column(ForeignKey("user_account.name", ondelete="CASCADE"), index=True)
    label: Mapped[str] = mapped_column(String(80))
    role: Mapped[str] = mapped_column(String(16))
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created: Mapped[datetime] = mapped_column(Moment, default=now)
    expires: Mapped[datetime | None] = mapped_column(Moment)


class Grant(Table):
    """An episode shared with somebody; `person` may also be `people.EVERYBODY` or `NOBODY`."""

    __tablename__ = "episode_grant"

    episode: Mapped[str] = mapped_column(String(255), primary_key=True)
    person: Mapped[str] = mapped_column(String(64), primary_key=True)


class InputReader(Table):
    """Somebody who may use a file of the input folder; a file without any is everybody's."""

    __tablename__ = "input_reader"

    input: Mapped[str] = mapped_column(String(1000), primary_key=True)
    """Name below the input folder, with `/`."""
    person: Mapped[str] = mapped_column(String(200), primary_key=True)
    """A user, or `people.EVERYBODY`."""
    owner: Mapped[bool]
    """True for the person who uploaded it, False for one that it is shared with."""


class TrashRow(Table):
    """An episode, a job or an input that was deleted and can still be restored."""

    __tablename__ = "trash"

    id: Mapped[str] = mapped_column(String(12), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    """`episode`, `job` or `input`."""
    name: Mapped[str] = mapped_column(String(1000))
    """Name of the episode's folder, id of the job, or name below the input folder."""
    person: Mapped[str] = mapped_column(String(200))
    """Who deleted it."""
    owners: Mapped[list[str]] = mapped_column(JSON)
    """Whose it was."""
    size: Mapped[int] = mapped_column(BigInteger)
    """Bytes on the disk."""
    at: Mapped[datetime] = mapped_column(Moment, default=now)
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)
    """What restoring it needs to know."""


class EndedSession(Table):
    """A session that was logged out before it expired."""

    __tablename__ = "ended_session"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    ended: Mapped[datetime] = mapped_column(Moment, default=now, index=True)


class AuditEntry(Table):
    """Something that somebody did. Entries are only added."""

    __tablename__ = "audit"
    __table_args__ = (Index("audit_person", "person", "number"),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(Moment, default=now)
    person: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(300))
    detail: Mapped[str] = mapped_column(Text, default="")
