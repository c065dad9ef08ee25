"""`dubkit serve` as people start it: a process with a worker, folders and users of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

import httpx

from dubkit.web.accounts.people import Role
from dubkit.web.accounts.users import Accounts
from dubkit.web.database import Database, migrate
from tests.support.paths import ROOT
from tests.support.web_client import PASSWORD


class Served:
    """A server below one folder; it keeps its address when it is started again."""

    def __init__(self, folder: Path, people: Mapping[str, Role], **settings: str) -> None:
        self.inputs, self.output = folder / "Input", folder / "Output"
        self.inputs.mkdir(exist_ok=True)
        self.output.mkdir(exist_ok=True)
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("DUBKIT_", "OPENAI_"))
        }
        cache = {"DUBKIT_MODELS_CACHE": str(folder / "cache"), "PYTHONPATH": str(ROOT)}
        self._environment = kept | cache | settings
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        self.port = 0
        self.said: list[str] = []
        """What the server wrote to standard error."""
        self._tokens = self._add(people)

    def _add(self, people: Mapping[str, Role]) -> dict[str, str]:
        database = Database(f"sqlite:///{self.output / 'dubkit.db'}")
        migrate(database)
        accounts = Accounts(database)
        tokens = {}
        # The first user must be an admin.
        for name in sorted(people, key=lambda one: people[one] != "admin"):
            accounts.add(name, people[name], PASSWORD)
            tokens[name] = accounts.add_token(name, "tests", people[name])[1]
        database.close()
        return tokens

    @property
    def url(self) -> str:
        """Address without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, workers: int = 1) -> None:
        """Start it and wait for its first words; on the port it had before."""
        arguments = ["serve", "--output", str(self.output), "--input", str(self.inputs)]
        arguments += ["--port", str(self.port), "--workers", str(workers)]
        process = subprocess.Popen(
            [sys.executable, "-m", "dubkit", *arguments],
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._process = process
        first: Queue[str] = Queue()
        threading.Thread(target=lambda: first.put(_line(process)), daemon=True).start()
        threading.Thread(target=self._listen, args=(process,), daemon=True).start()
        found = re.search(r"http://[\d.]+:(\d+)/", first.get(timeout=60))
        assert found is not None, "".join(self.said)
        self.port = int(found[1])

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        with process.stderr:
            self.said += process.stderr

    def workers(self) -> list[int]:
        """Process ids of its workers."""
        assert self._process is not None
        pid = self._process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it: in order, or killed."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        process.wait(60)
        assert process.stdout is not None
        process.stdout.close()

    def ask(self, name: str) -> httpx.Client:
        """Return a client of the HTTP interface with the token of a user."""
        return httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {self._tokens[name]}"}, timeout=60
        )


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


@contextmanager
def served(folder: Path, people: Mapping[str, Role], **settings: str) -> Iterator[Served]:
    """Serve from `folder` until the block ends."""
    server = Served(folder, people, **settings)
    server.start()
    try:
        yield server
    finally:
        server.stop()
