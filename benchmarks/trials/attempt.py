"""Try one case in a folder of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.trials.case import BadCase, Case, Interrupt, Step
from benchmarks.trials.expect import Done, shortcomings

CALLER = "benchmarks.trials.caller"
TRACEBACK = "Traceback (most recent call last)"


@dataclass(frozen=True, slots=True)
class Attempt:
    """How a case ended: `problems` is empty where it passed, `left_out` says why it was not tried."""

    case: str
    problems: tuple[str, ...] = ()
    left_out: str = ""
    seconds: float = 0.0


def attempt(case: Case, home: Path, folder: Path) -> Attempt:
    """Try a case whose files lie in `home`, in the empty `folder`. Raises BadCase where that cannot be."""
    missing = [program for program in case.needs if shutil.which(program) is None]
    if missing:
        return Attempt(case.name, left_out=f"{', '.join(missing)} is not on this machine")
    began = time.monotonic()
    _copy(case, home, folder)
    problems: list[str] = []
    with _serving(case, folder) as words:
        for number, step in enumerate(case.steps, 1):
            found = _try(_filled(step, words), folder, case.seconds)
            label = f"step {number}: " if len(case.steps) > 1 else ""
            problems.extend(label + problem for problem in found)
            if found:
                break  # what comes after it builds on it
    return Attempt(case.name, tuple(problems), seconds=time.monotonic() - began)


def _copy(case: Case, home: Path, folder: Path) -> None:
    for pattern in case.files:
        found = sorted(home.glob(pattern))
        if not found:
            raise BadCase(f"{home}, case {case.name}: there is no file {pattern}")
        for file in found:
            shutil.copyfile(file, folder / file.name)


def _filled(step: Step, words: Mapping[str, str]) -> Step:
    raw = json.dumps(msgspec.to_builtins(step))
    for name, word in words.items():
        raw = raw.replace(f"{{{name}}}", word)
    return msgspec.convert(json.loads(raw), Step)


# --- steps ------------------------------------------------------------------------------------


def _try(step: Step, folder: Path, limit: float) -> list[str]:
    command = ["bash", "-o", "pipefail", "-c", step.run] if step.run else _call(step)
    code, done = _run(command, step, folder, limit)
    if code is None:
        return [f"still running after {limit:g} s"]
    problems = ["it ends in a traceback"] if TRACEBACK in done.text("output") else []
    if step.run:
        if code not in step.codes:
            problems.append(f"exit code {code}, expected {' or '.join(map(str, step.codes))}")
    elif code:
        problems.append("the call itself failed")
    else:
        *_, last = done.stdout.splitlines()
        answer = json.loads(last)
        done = Done(done.stdout, done.stderr, answer["value"])
        if answer["raised"] != step.raises:
            problems.append(f"raised {answer['raised'] or 'nothing'} ({answer['message']})")
    problems.extend(shortcomings(step.expect, done, folder))
    if problems and step.run:
        problems.append(f"it said: {_tail(done)}")
    return problems


def _call(step: Step) -> list[str]:
    asked = {"function": step.call, "arguments": step.arguments, "keywords": step.keywords}
    return [sys.executable, "-m", CALLER, json.dumps(asked)]


def _run(command: list[str], step: Step, folder: Path, limit: float) -> tuple[int | None, Done]:
    out, err = folder / ".stdout", folder / ".stderr"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(
            command, cwd=folder, env=_environment(step.environment), stdin=subprocess.DEVNULL,
            stdout=stdout, stderr=stderr, start_new_session=True,
        )  # fmt: skip
        try:
            if step.interrupt:
                _interrupt(process, step.interrupt, (out, err), limit)
            code: int | None = process.wait(limit)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _end(process)
    return code, Done(_text(out), _text(err))


def _interrupt(
    process: subprocess.Popen[bytes], wish: Interrupt, files: tuple[Path, ...], limit: float
) -> None:
    end = time.monotonic() + limit
    while time.monotonic() < end and process.poll() is None:
        if any(wish.when in _text(file) for file in files):
            time.sleep(wish.after)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.Signals[f"SIG{wish.signal}"])
            return
        time.sleep(0.05)


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    """This process's own, where `dubkit` and `python` are those that run the cases."""
    here = str(Path(sys.executable).parent)
    root = str(Path(__file__).resolve().parents[2])
    path = {"PATH": f"{here}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": root, "COLUMNS": "200"}
    return {**os.environ, **path, **more}


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _text(path: Path) -> str:
    return path.read_text("utf-8", errors="backslashreplace")


def _tail(done: Done) -> str:
    text = (done.stderr.strip() or done.stdout.strip())[-600:]
    return text.replace("\n", " / ") or "nothing"


# --- services ---------------------------------------------------------------------------------


@contextmanager
def _serving(case: Case, folder: Path) -> Iterator[dict[str, str]]:
    """Run the service of a case; give the words that stand for its address."""
    if not case.service:
        yield {}
        return
    port = _free_port()
    words = {"port": str(port), "url": f"http://127.0.0.1:{port}"}
    command = case.service.replace("{port}", words["port"])
    with (folder / ".service").open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-c", f"exec {command}"], cwd=folder, env=_environment({"PYTHONUNBUFFERED": "1"}),
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            _wait_for(process, port, folder / ".service", case)
            yield words
        finally:
            _end(process)


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path, case: Case) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise BadCase(f"case {case.name}: its service does not answer on port {port}: {_text(log)[-300:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def as_json(attempts: list[Attempt]) -> Any:
    """Return attempts as plain JSON values."""
    return [msgspec.to_builtins(each) for each in attempts]
