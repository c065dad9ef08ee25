"""A dub in a process of its own that tells which machine code its stages load.

Prints JSON: stage -> the modules with machine code that its work loaded although all that stages name in
`Stage.loads` was imported before. Stages that always run alone are left out: what they load meets no other.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from dubkit.chain import run as running
from dubkit.chain.chain import Request
from dubkit.chain.side_by_side import go_through
from dubkit.chain.stage import Stage
from dubkit.chain.steps import Step, load_ahead
from dubkit.config import configure
from dubkit.progress import Silent
from dubkit.studio import dub, open_session


class LateLoads:
    """Notes what is loaded while a stage works."""

    def __init__(self) -> None:
        self.found: dict[str, set[str]] = {}
        self._here = threading.local()
        self._worked, self._followed = running.run_stage, running.follow

    def heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Listen to the interpreter, which names the file of a module that has machine code."""
        stage: Stage | None = getattr(self._here, "stage", None)
        if event == "import" and stage is not None and arguments[1] and stage.beside and stage.cores:
            self.found.setdefault(stage.name, set()).add(arguments[0])

    def run_stage(self, stage: Stage, *rest: Any, **named: Any) -> Any:
        self._here.stage = stage
        try:
            return self._worked(stage, *rest, **named)
        finally:
            self._here.stage = None

    def follow(self, stage: Stage, *rest: Any) -> None:
        self._here.stage = stage
        try:
            self._followed(stage, *rest)
        finally:
            self._here.stage = None


def go(steps: Sequence[Step], *rest: Any) -> bool:
    load_ahead(steps)
    return go_through(steps, *rest)


def main(source: Path, text: Path, output: Path, values: dict[str, Any], languages: list[str]) -> None:
    late = LateLoads()
    sys.addaudithook(late.heard)
    session = open_session(configure(values, environment={}).settings, output)
    with (
        mock.patch.object(running, "run_stage", late.run_stage),
        mock.patch.object(running, "follow", late.follow),
        mock.patch.object(running, "go_through", go),
    ):
        outcome = dub(session, source, Request(tuple(languages), uses={"transcribe": text}), Silent())
    assert not outcome.errors, outcome.errors
    sys.stdout.write(json.dumps({name: sorted(modules) for name, modules in late.found.items()}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), json.loads(sys.argv[4]), sys.argv[5:])
