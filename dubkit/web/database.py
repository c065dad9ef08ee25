"""The web server's database: SQLite in a file, or PostgreSQL by URL, through SQLAlchemy.

Only jobs, accounts and the audit log live here. What a person changed about an episode, and every take,
stays in the episode's folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from dubkit.errors import SettingError

FILE = "dubkit.db"
"""Name of the SQLite file in the output folder."""


class Table(DeclarativeBase):
    """Base of every table."""


class Database:
    """Connections to the database, and transactions on them."""

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise SettingError("serve.database", "***", f"is not a database URL ({error})") from None
        self.url = url
        self.sqlite = parsed.get_backend_name() == "sqlite"
        if self.sqlite and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        self.engine: Engine = create_engine(parsed, pool_pre_ping=True)
        if self.sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_writing)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Give a session whose changes are committed when the block ends well, else taken back."""
        with self._sessions() as session, session.begin():
            yield session

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def database_url(given: str, output: Path) -> str:
    """Return the URL to open: the one given, or the SQLite file in the output folder."""
    return given or f"sqlite:///{(output / FILE).resolve()}"


def _prepare_sqlite(connection: object, record: object) -> None:
    # The driver's own transactions begin too late (at the first write) and deadlock; `begin` is said below.
    connection.isolation_level = None  # type: ignore[attr-defined]
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_writing(connection: object) -> None:
    # One writer at a time from the first statement on: what is read in a transaction stays true in it.
    connection.exec_driver_sql("BEGIN IMMEDIATE")  # type: ignore[attr-defined]
