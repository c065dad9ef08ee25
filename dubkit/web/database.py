"""The web server's database: SQLite in a file, or PostgreSQL by URL, through SQLAlchemy.

It holds only jobs, accounts and the audit log. Edits and takes of an episode stay in the episode's folder.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, DateTime, Dialect, Engine, TypeDecorator, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DisconnectionError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from dubkit.errors import DubkitError, SettingError

FILE = "dubkit.db"
"""Name of the SQLite file in the output folder."""

MIGRATIONS = Path(__file__).parent / "migrations"

MIGRATING = 0x6475626B
"""Key of the PostgreSQL lock that allows one migration at a time."""

ACCOUNTS = 0x6475626C
"""Key of the PostgreSQL lock that allows one change of users, tokens and grants at a time."""


class Table(DeclarativeBase):
    """Base of every table."""


class Moment(TypeDecorator[datetime]):
    """A time with its zone in Python, stored as UTC without a zone, the same in every database."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert a time with a zone to the stored one."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert the stored time to one in UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


class Database:
    """Connections to the database, and transactions on them."""

    def __init__(self, url: str) -> None:
        self.url = url
        parsed = _parse(url)
        self.sqlite = parsed.get_backend_name() == "sqlite"
        if self.sqlite and parsed.database:
            _make_private(Path(parsed.database))
        try:
            # Errors are logged, and the parameters may be a hash, a token or a text.
            self.engine: Engine = create_engine(parsed, pool_pre_ping=True, hide_parameters=True)
        except (NoSuchModuleError, ModuleNotFoundError) as error:
            raise SettingError(
                "serve.database", parsed.drivername, f"needs a driver that is not installed ({error})"
            ) from None
        if self.sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin)
            if parsed.database:
                _watch(self.engine, Path(parsed.database))
        self._writing = sessionmaker(self.engine, expire_on_commit=False)
        self._reading = sessionmaker(self.engine.execution_options(reading=True), expire_on_commit=False)

    @contextmanager
    def transaction(self, alone: int = 0) -> Iterator[Session]:
        """Yield a session whose changes are committed at the end of the block, or rolled back on an error.

        Transactions with the same lock key `alone` run one after the other, so that what one reads stays true
        until it has written. (On SQLite all writers do.)
        """
        with self._writing() as session, session.begin():
            if alone and not self.sqlite:
                session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": alone})
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a session that only reads and does not wait for writers."""
        with self._reading() as session, session.begin():
            yield session

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def database_url(setting: str, output: Path) -> str:
    """Return the URL to open: that of the setting, or the SQLite file in the output folder."""
    return setting or f"sqlite:///{(output / FILE).resolve()}"


def missing_file(setting: str, output: Path) -> Path | None:
    """Return the SQLite file that would have to be created; None when it exists or none is used."""
    url = _parse(database_url(setting, output))
    if url.get_backend_name() != "sqlite" or not url.database or Path(url.database).exists():
        return None
    return Path(url.database)


def check_is_there(setting: str, output: Path) -> None:
    """Raise DubkitError when there is no database: a mistyped folder must not get an empty one."""
    file = missing_file(setting, output)
    if file is None:
        return
    what = f"database {file.name} in {file.parent}" if file.parent.is_dir() else f"folder {file.parent}"
    raise DubkitError(
        f"There is no {what}.\n"
        "Name the output folder of the server with --output. `dubkit serve` creates the database, "
        "and so does `dubkit users add NAME --role admin`."
    )


def migrate(database: Database) -> None:
    """Bring the tables up to date. Processes that start at the same time wait for one another.

    Raises SettingError when the database does not answer, or a newer version of dubkit has used it.
    """
    from alembic.util import CommandError

    try:
        _upgrade(database)
    except SQLAlchemyError as error:
        reason = str(error).splitlines()[0]
        raise SettingError("serve.database", "***", f"the database does not answer: {reason}") from None
    except CommandError as error:
        raise SettingError(
            "serve.database", "***", f"a newer version of dubkit has used it ({error}); update dubkit"
        ) from None


def _upgrade(database: Database) -> None:
    from alembic import command
    from alembic.config import Config

    with database.engine.begin() as connection:  # on SQLite this begins with the write lock
        if not database.sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATING})
        config = Config(attributes={"connection": connection})
        # Alembic interpolates %.
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        command.upgrade(config, "head")


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError):
        # The URL may hold a password, so it is not shown.
        raise SettingError("serve.database", "***", "is not a database URL") from None
    if backend not in ("sqlite", "postgresql"):
        raise SettingError("serve.database", backend, "only sqlite and postgresql are known")
    return parsed


def _make_private(file: Path) -> None:
    # It holds password hashes and sessions; SQLite gives its journals the same rights.
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        reason = f"cannot be created ({(error.strerror or str(error)).lower()}); name another folder"
        raise SettingError("serve.database", str(file), reason) from None


def _watch(engine: Engine, file: Path) -> None:
    """Refuse connections to a file that was removed, and renew those to one that was replaced.

    What is written to either would be lost silently.
    """

    def note_inode(connection: object, record: Any) -> None:
        record.info["file"] = file.stat().st_ino

    def check_inode(connection: object, record: Any, proxy: object) -> None:
        try:
            now = file.stat().st_ino
        except FileNotFoundError as gone:
            raise OperationalError("", None, gone) from None
        if record.info["file"] != now:
            raise DisconnectionError(f"{file} was replaced")

    def check_exists(*arguments: object) -> None:
        if not file.exists():  # else the driver creates an empty one
            raise sqlite3.OperationalError(f"{file} no longer exists")

    event.listen(engine, "do_connect", check_exists)
    event.listen(engine, "connect", note_inode)
    event.listen(engine, "checkout", check_inode)


def _prepare_sqlite(connection: Any, record: object) -> None:
    # The driver's own transactions begin too late (at the first write) and deadlock; see `_begin`.
    connection.isolation_level = None
    cursor = connection.cursor()
    # The time-out comes first: changing the journal mode may have to wait for another process.
    for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    # One writer at a time from the first statement on, so what a transaction reads stays true in it.
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
