"""The process of one episode of a batch: it runs the chain and writes what it came to."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dubkit.cli.options import open_session

if TYPE_CHECKING:
    from dubkit.batch.child import Command, LocalChild
    from dubkit.batch.result import EpisodeResult
    from dubkit.chain.chain import Request

LAST_WORDS = 10.0
"""Seconds to stop in order once the batch is gone."""


def run_for_batch(source: Path, request: Request, output: Path | str, flags: dict[str, Any]) -> int:
    """Dub one episode, write its result for the batch, and return the exit code."""
    from dubkit.batch.result import result_of_error, result_of_run
    from dubkit.cli.run import show_outcome
    from dubkit.errors import DubkitError
    from dubkit.progress import Terminal
    from dubkit.review.best import dub_best

    if flags["parent"]:
        watch_batch(flags["parent"])
    try:
        session = open_session(flags, output, source)
        with Terminal() as progress:
            outcome = dub_best(session, source, request, progress, wait=flags["wait"])
    except DubkitError as error:
        click.echo(f"Error: {error}", err=True)
        _write(flags["result"], result_of_error(request, error))
        return 1
    show_outcome(source, outcome, request, as_json=False)
    _write(flags["result"], result_of_run(session, source, request, outcome))
    return outcome.exit_code


def start_with_variables(command: Command) -> LocalChild:
    """Start the process of an episode with the environment of this process, and its own variables."""
    from dubkit.batch.child import start_child

    return start_child(command, {**os.environ, **command.variables} if command.variables else None)


def watch_batch(parent: int) -> None:
    """Stop this process when the batch that started it is gone, in whatever way."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(LAST_WORDS)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _write(path: Path, result: EpisodeResult) -> None:
    from dubkit.episode.store import canonical

    temporary = path.with_name(f"{path.name}.new")
    temporary.write_bytes(canonical(result))
    temporary.replace(path)
