"""Run the program under measurement as its own process group, with a time limit."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DEFAULT_COMMAND = f"{sys.executable} -m dubkit run"


@dataclass(frozen=True, slots=True)
class Finished:
    """How a run ended; `code` is None when it was killed, by the time limit or on purpose."""

    code: int | None
    output: str
    errors: str
    seconds: float

    @property
    def traceback(self) -> bool:
        return "Traceback (most recent call last)" in self.errors + self.output


def run(arguments: list[str], log: Path, limit: float | None) -> Finished:
    """Run a command to its end, or kill it and all its children after `limit` seconds (None: never).

    Its output goes through files beside `log`: a full pipe would stop a program that nobody reads.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    out, err = log.with_suffix(".out"), log.with_suffix(".err")
    began = time.monotonic()
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, start_new_session=True
        )
        try:
            code: int | None = process.wait(limit)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            # Whatever the program started must not outlive it, even when this runner is interrupted.
            _kill_group(process.pid)
            process.wait()
    return Finished(code, _text(out), _text(err), time.monotonic() - began)


def _kill_group(leader: int) -> None:
    # On macOS a group that only holds a finished process answers with PermissionError.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


@contextlib.contextmanager
def served(folder: Path, **environment: str) -> Iterator[str]:
    """Serve the episodes of a folder without workers; give the address."""
    command = [sys.executable, "-m", "dubkit", "serve", "--port", "0", "--workers", "0", "--quiet"]
    command += ["--output", str(folder / "Output"), "--input", str(folder)]
    place = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[1])} | environment
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=place, cwd=folder) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://[\w.:]+", process.stdout.readline())
            if found is None:
                raise RuntimeError("the server did not start")
            yield found[0]
        finally:
            process.terminate()
