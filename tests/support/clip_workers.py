"""`dubkit worker --clips` as people start it: a process that makes clips with a program."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.paths import ROOT

TOKEN = "a-long-word-for-tests-0123"
PROGRAM = ROOT / "tests" / "support" / "lip_program.py"


class ClipWorkerProcess:
    """A clip worker; it keeps its port when it is started again."""

    def __init__(self, folder: Path, mode: str = "good", **settings: str) -> None:
        self.folder, self.mode, self.settings, self.port = folder, mode, settings, 0
        folder.mkdir(parents=True, exist_ok=True)
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DUBKIT_")}
        command = f"{sys.executable} {PROGRAM} {self.mode} {{clip}} {{sound}} {{out}}"
        variables = {
            "PYTHONPATH": str(ROOT),
            "DUBKIT_DUB_REMOTE_TOKEN": TOKEN,
            "DUBKIT_MODELS_CACHE": str(self.folder / "cache"),
            "DUBKIT_DUB_COMMAND_COMMAND": command,
            "TMPDIR": str(self.folder),
        }
        words = (sys.executable, "-m", "dubkit", "worker", "--clips", "--engine", "command")
        with (self.folder / "said.txt").open("a") as said:
            self._process = subprocess.Popen(
                [*words, "--port", str(self.port)],
                cwd=self.folder,
                env=kept | variables | self.settings,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                start_new_session=True,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        assert found, line + self.said
        self.port = int(found[1])

    @property
    def said(self) -> str:
        return (self.folder / "said.txt").read_text()

    def end(self, number: int = signal.SIGKILL) -> int:
        """End it with all that it started."""
        assert self._process is not None
        if number == signal.SIGKILL:
            os.killpg(self._process.pid, number)
        else:
            self._process.send_signal(number)
        status = self._process.wait(30)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None
        return status

    @property
    def runs(self) -> bool:
        return self._process is not None


@contextmanager
def working(*workers: ClipWorkerProcess) -> Iterator[None]:
    """Start workers, and end those that still run."""
    try:
        for worker in workers:
            worker.start()
        yield
    finally:
        for worker in workers:
            if worker.runs:
                worker.end()
