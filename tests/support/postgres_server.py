"""A PostgreSQL server of the tests' own: on a socket in a temporary folder, by a user without rights."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class PostgresServer:
    """A running server."""

    def __init__(self, sockets: Path) -> None:
        self._sockets = sockets
        self._numbers = itertools.count(1)

    def url(self, name: str) -> str:
        """URL of a database."""
        return f"postgresql+psycopg://dubkit@/{name}?host={self._sockets}"

    def new_url(self) -> str:
        """URL of a new and empty database."""
        import psycopg

        name = f"jobs{next(self._numbers)}"
        with psycopg.connect(
            host=str(self._sockets), user="dubkit", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    if initdb is None:
        pytest.skip("no PostgreSQL server is installed (initdb and postgres)")
    return Path(initdb).resolve().parent


def _user() -> str | None:
    """Who runs the server: it refuses to be run by root."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
            return name
        except KeyError:
            continue
    pytest.skip("PostgreSQL does not run as root, and there is no other user")


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Run a server while the block lasts; skips where none is installed."""
    pytest.importorskip("psycopg")
    programs, user = _programs(), _user()
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short: the path of a socket holds 107 characters
    try:
        if user is not None:
            shutil.chown(folder, user)
        subprocess.run(
            [programs / "initdb", "-D", folder / "data", "-U", "dubkit", "-A", "trust", "--no-sync"],
            check=True, capture_output=True, user=user, cwd=folder,
        )  # fmt: skip
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [programs / "postgres", "-D", folder / "data", "-k", folder,
                 "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=200"],
                stdout=log, stderr=log, user=user, cwd=folder,
            )  # fmt: skip
            try:
                _wait(process, folder)
                yield PostgresServer(folder)
            finally:
                process.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
                process.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], folder: Path) -> None:
    import psycopg

    for _ in range(300):
        try:
            psycopg.connect(host=str(folder), user="dubkit", dbname="postgres").close()
            return
        except psycopg.OperationalError:
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.1)
    raise AssertionError((folder / "log").read_text())
