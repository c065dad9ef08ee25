"""The server's database: its tables, its migrations, and transactions."""

from __future__ import annotations

import importlib.util
import logging
import multiprocessing
import stat
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command, op
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from dubkit.errors import SettingError
from dubkit.web.database import FILE, MIGRATIONS, Database, Moment, Table, database_url, migrate
from tests.support.postgres_server import PostgresServer, postgres_server

TABLES = ("dubkit.web.jobs.tables", "dubkit.web.accounts.tables")


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / FILE}"
    server: PostgresServer = request.getfixturevalue("server")
    return server.new_url()


def test_migrated_tables_are_those_of_the_code(url: str) -> None:
    for module in TABLES:
        importlib.import_module(module)
    database = Database(url)
    migrate(database)
    migrate(database)  # again changes nothing
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Table.metadata) == []
    database.close()


def migrate_there(url: str) -> None:
    database = Database(url)
    migrate(database)
    database.close()


def test_processes_that_start_at_once_migrate_once(url: str) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=migrate_there, args=(url,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    database = Database(url)
    assert "job" in inspect(database.engine).get_table_names()
    database.close()


def test_a_failed_migration_leaves_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic.operations import Operations

    create = Operations.create_table

    def failing(self: Operations, name: str, *columns: object, **options: object) -> object:
        if name == "slot":
            raise RuntimeError("power cut")
        return create(self, name, *columns, **options)  # type: ignore[arg-type]

    database = Database(url)
    with monkeypatch.context() as patched:
        patched.setattr(
            op,
            "create_table",
            lambda name, *c, **o: failing(op._proxy, name, *c, **o),  # type: ignore[attr-defined]
        )
        with pytest.raises(RuntimeError, match="power cut"):
            migrate(database)
    assert inspect(database.engine).get_table_names() == []
    migrate(database)
    assert "slot" in inspect(database.engine).get_table_names()
    database.close()


def alembic_on(connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def test_an_upgrade_opens_no_episode(url: str) -> None:
    """Whoever saw an episode alone goes on seeing it alone, though only the maker owns it now."""
    jobs = [
        ("made", "ed", "dub", 1), ("made", "eve", "dub", 1), ("made", "eve", "render", 1),
        ("worked on", "eve", "render", 1), ("waits", "eve", "dub", 0), ("given", "eve", "render", 1),
    ]  # fmt: skip
    insert = text(
        "INSERT INTO job (number, id, owner, episode, work, needs_generator, state, created, updated, "
        "attempt, lease, worker, cancelling, progress, error, degraded, result, events) VALUES (:number, "
        ":id, :owner, :episode, :work, :no, 'queued', :at, :at, 0, :lease, '', :no, '{}', '', '[]', '{}', 0)"
    )
    database = Database(url)
    with database.engine.begin() as connection:
        command.upgrade(alembic_on(connection), "0002")
        for number, (episode, owner, kind, lease) in enumerate(jobs, 1):
            row = {"number": number, "id": f"job{number}", "owner": owner, "episode": episode, "lease": lease}
            more = {"work": f'{{"kind": "{kind}"}}', "at": datetime(2026, 1, 1), "no": False}
            connection.execute(insert, row | more)
        connection.execute(text("INSERT INTO episode_grant VALUES ('given', '*')"))
    migrate(database)
    with database.reading() as session:
        owning = session.execute(text("SELECT episode, owner FROM job WHERE owning")).all()
        grants = session.execute(text("SELECT episode, person FROM episode_grant")).all()
    assert set(owning) == {("made", "ed"), ("waits", "eve")}
    assert set(grants) == {("given", "*"), ("given", ""), ("worked on", "eve"), ("worked on", "")}
    with database.engine.begin() as connection:
        command.downgrade(alembic_on(connection), "0002")
    database.close()


def test_migrating_leaves_logging_alone(tmp_path: Path) -> None:
    before = (logging.root.level, list(logging.root.handlers), logging.getLogger("dubkit").disabled)
    migrate_there(f"sqlite:///{tmp_path / FILE}")
    after = (logging.root.level, list(logging.root.handlers), logging.getLogger("dubkit").disabled)
    assert after == before


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "output" / FILE
    migrate_there(database_url("", tmp_path / "output"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_given_url_is_taken_and_else_the_output_folder(tmp_path: Path) -> None:
    assert database_url("postgresql+psycopg://db/jobs", tmp_path) == "postgresql+psycopg://db/jobs"
    assert database_url("", tmp_path) == f"sqlite:///{tmp_path.resolve() / FILE}"


@pytest.mark.parametrize("url", ["no url", "mysql://me:hunter2@db/jobs", "postgresql://me:hunter2@db:port/x"])
def test_a_url_that_cannot_be_used_is_refused_without_showing_its_password(url: str) -> None:
    with pytest.raises(SettingError, match=r"serve\.database") as raised:
        Database(url)
    assert "hunter2" not in str(raised.value)


def test_a_driver_that_is_not_installed_is_named() -> None:
    with pytest.raises(SettingError, match="driver that is not installed"):
        Database("postgresql+pg8000://me:hunter2@db/jobs")


def test_an_error_takes_the_changes_back(url: str) -> None:
    database = Database(url)
    with database.transaction() as session:
        session.execute(text("CREATE TABLE pet (name VARCHAR(9))"))
    with suppress(ZeroDivisionError), database.transaction() as session:
        session.execute(text("INSERT INTO pet VALUES ('cat')"))
        raise ZeroDivisionError
    with database.reading() as session:
        assert session.execute(text("SELECT count(*) FROM pet")).scalar() == 0
    database.close()


def test_readers_do_not_wait_for_a_writer(url: str) -> None:
    database = Database(url)
    migrate(database)
    read = threading.Event()

    def reader() -> None:
        with database.reading() as session:
            session.execute(text("SELECT count(*) FROM job")).scalar()
        read.set()

    with database.transaction() as session:
        session.execute(text("DELETE FROM slot"))
        threading.Thread(target=reader).start()
        assert read.wait(5.0)
    database.close()


def test_a_writer_waits_for_another_and_sees_what_it_wrote(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / FILE}")
    with database.transaction() as session:
        session.execute(text("CREATE TABLE tally (n INTEGER)"))
        session.execute(text("INSERT INTO tally VALUES (0)"))

    def count() -> None:
        for _ in range(25):
            with database.transaction() as session:
                n = session.execute(text("SELECT n FROM tally")).scalar_one()
                session.execute(text("UPDATE tally SET n = :n"), {"n": n + 1})

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as session:
        assert session.execute(text("SELECT n FROM tally")).scalar() == 100
    database.close()


def test_sqlite_keeps_what_was_committed_when_the_power_fails(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / FILE}")
    with database.reading() as session:
        assert session.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert session.execute(text("PRAGMA synchronous")).scalar() == 2  # FULL
        assert session.execute(text("PRAGMA foreign_keys")).scalar() == 1
    database.close()


def test_times_come_back_in_utc() -> None:
    there = timezone(timedelta(hours=5))
    moment = datetime(2026, 3, 1, 12, 0, tzinfo=there)
    column = Moment()
    kept = column.process_bind_param(moment, None)  # type: ignore[arg-type]
    assert kept == datetime(2026, 3, 1, 7, 0)
    assert column.process_result_value(kept, None) == moment  # type: ignore[arg-type]
    assert column.process_result_value(kept, None).tzinfo is UTC  # type: ignore[arg-type, union-attr]
    assert column.process_bind_param(None, None) is None  # type: ignore[arg-type]
