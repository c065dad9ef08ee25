"""A site with people of every role for tests of media and uploads, and a real server around it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from dubkit.config import Configuration, Settings, with_settings
from dubkit.models.store import ModelStore
from dubkit.progress import Speeds
from dubkit.web.accounts.people import Role
from dubkit.web.accounts.users import Accounts
from dubkit.web.app import create_app
from dubkit.web.database import Database, migrate
from dubkit.web.jobs.queue import JobQueue
from dubkit.web.site import Site

PEOPLE: dict[str, Role] = {"ada": "admin", "ana": "editor", "ben": "editor", "vic": "viewer"}


@contextmanager
def a_site(folder: Path, **settings: str) -> Iterator[tuple[Site, dict[str, str]]]:
    """A site with people of every role, and their tokens."""
    chosen = with_settings(Settings(), {"serve.max_upload_gb": "0.01", **settings})
    database = Database(f"sqlite:///{folder / 'd.db'}")
    migrate(database)
    for name in ("Output", "Input"):
        (folder / name).mkdir(exist_ok=True)
    models = ModelStore(folder / "cache", {})
    site = Site(
        Configuration(chosen, {}), folder / "Output", folder / "Input", database, JobQueue(database), models,
        Speeds(), b"s" * 32, local=False,
    )  # fmt: skip
    accounts = Accounts(database)
    tokens = {}
    for name, role in PEOPLE.items():
        if accounts.user(name) is None:
            accounts.add(name, role, "a long enough password of " + name)
        tokens[name] = accounts.add_token(name, "test", role)[1]
    try:
        yield site, tokens
    finally:
        database.close()


@contextmanager
def served(site: Site) -> Iterator[str]:
    """The site on a free port of this machine."""
    config = uvicorn.Config(create_app(site), port=0, log_level="error", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)
