"""The real server in a thread, and clients that behave like a browser: for tests of the pages."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from dubkit.config import configure
from dubkit.models.store import ModelStore
from dubkit.progress import Speeds
from dubkit.web.accounts.people import Role
from dubkit.web.accounts.users import Accounts
from dubkit.web.app import create_app
from dubkit.web.database import Database
from dubkit.web.site import Site
from dubkit.web.startup import build_site

PASSWORD = "correct horse battery"
SECRET = "kX3vQ9pLr7TzWm2NfYb8HsJd4GcAe6Ru"
SAFE = ("GET", "HEAD", "OPTIONS")


class Browser(httpx.Client):
    """A client with cookies that sends the CSRF token of its session with every change.

    A header given by the test, even an empty one, is sent as it is; so is a request with a token.
    """

    _csrf = ""

    def request(self, method: str, url: Any, **arguments: Any) -> httpx.Response:
        headers = httpx.Headers(arguments.pop("headers", None))
        own = "x-csrf-token" in headers or "authorization" in headers or "authorization" in self.headers
        if method.upper() not in SAFE and not own:
            headers["X-CSRF-Token"] = self.csrf()
        return super().request(method, url, headers=headers, **arguments)

    def csrf(self) -> str:
        """The token of the session, as a page gives it."""
        if not self._csrf:
            found = re.search(r'name="csrf-token" content="(\w+)"', self.get("/login").text)
            self._csrf = found[1] if found else self.get("/api/me").json()["csrf_token"]
        return self._csrf

    def log_in(self, name: str, password: str = PASSWORD, **fields: str) -> httpx.Response:
        """Log in with the form, as a person does."""
        answer = self.post("/login", data={"name": name, "password": password, **fields})
        self._csrf = ""
        return answer


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers."""

    url: str
    site: Site
    app: FastAPI
    browsers: list[Browser] = field(default_factory=list)

    def browser(self, name: str = "", **arguments: Any) -> Browser:
        """Return a new browser, logged in when a name is given."""
        browser = Browser(base_url=self.url, timeout=30, **arguments)
        self.browsers.append(browser)
        if name:
            answer = browser.log_in(name)
            assert answer.status_code == 303, answer.text
        return browser


def make_site(tmp_path: Path, people: Mapping[str, Role] | None = None, **settings: Any) -> Site:
    """Open a site on `tmp_path/Output` and `tmp_path/Input`; `serve__port=0` sets `serve.port`.

    `people` become users, all with the password `PASSWORD`.
    """
    output, inputs = tmp_path / "Output", tmp_path / "Input"
    inputs.mkdir(exist_ok=True)
    output.mkdir(exist_ok=True)
    flags = {name.replace("__", "."): value for name, value in settings.items()}
    flags.setdefault("serve.inputs", str(inputs))
    configured = configure(flags, environment={}, folders=())
    models = ModelStore(tmp_path / "models", {}, offline=True)
    if people:
        _add_people(f"sqlite:///{output / 'dubkit.db'}", people)
    return build_site(configured, output, models, Speeds())


def _add_people(url: str, people: Mapping[str, Role]) -> None:
    from dubkit.web.database import migrate

    database = Database(url)
    migrate(database)
    accounts = Accounts(database)
    # Whoever is an admin comes first: the first user must be one.
    for name in sorted(people, key=lambda one: people[one] != "admin"):
        accounts.add(name, people[name], PASSWORD)
    database.close()


@contextmanager
def running_site(
    tmp_path: Path, people: Mapping[str, Role] | None = None, **settings: Any
) -> Iterator[Running]:
    """Run the real application on a free port of this machine until the block ends."""
    site = make_site(tmp_path, people, **settings)
    with serving(site) as running:
        yield running


@contextmanager
def serving(site: Site) -> Iterator[Running]:
    """Run the application of `site` until the block ends, and close its database then."""
    app = create_app(site)
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    running = Running(f"http://127.0.0.1:{listening.getsockname()[1]}", site, app)
    try:
        until = time.monotonic() + 20
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            assert time.monotonic() < until, "the server did not start"
            time.sleep(0.01)
        yield running
    finally:
        for browser in running.browsers:
            browser.close()
        server.should_exit = True
        thread.join(20)
        listening.close()
        site.database.close()


def make_episode(site: Site, name: str = "clip") -> Path:
    """Make the folder of an episode that holds nothing yet."""
    folder = site.output / name
    (folder / ".dubkit").mkdir(parents=True)
    return folder
