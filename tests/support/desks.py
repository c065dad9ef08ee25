"""Dubs through the command line: working folders, and dubs that are made once in a run of the suite."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filelock import FileLock

from tests.support.paths import ROOT, SAMPLE

UNHEARD = "qc.round_trip = false\n"
"""`dubkit.toml` of an episode whose dub is not recognised again, which costs more than a render."""

COUNTED: dict[str, str] = {}
"""Variables with which coverage counts in a process that a slow test starts."""


class Desk:
    """A working folder with its own output, environment and model cache."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self.cache = cache
        self.variables = {"DUBKIT_MODELS_CACHE": str(cache)}

    def start(self, *arguments: str | Path, **variables: str) -> subprocess.Popen[str]:
        """Start dubkit in the folder."""
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("DUBKIT_", "OPENAI_", "HF_"))}
        return subprocess.Popen(
            [sys.executable, "-m", "dubkit", *map(str, arguments)],
            cwd=self.folder,
            env=kept | {"PYTHONPATH": str(ROOT)} | self.variables | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def dubkit(self, *arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run dubkit to its end."""
        with self.start(*arguments, **variables) as process:
            out, err = process.communicate(timeout=600)
        assert "Traceback" not in err, err
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def run(self, *arguments: str | Path, **variables: str) -> dict[str, Any]:
        """Run with --json; return what it said."""
        done = self.dubkit("run", *arguments, "--json", **variables)
        assert done.stdout, done.stderr
        result: dict[str, Any] = json.loads(done.stdout)
        assert result["exit_code"] == done.returncode
        return result

    def read(self, name: str) -> Any:
        """Read an artifact of `Output/`."""
        return json.loads((self.folder / "Output" / name).read_text("utf-8"))

    def copy(self, folder: Path) -> Desk:
        """Copy output and settings into another folder, to play with."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return Desk(folder, self.cache)


class Shared:
    """A folder that all processes of one run of the suite share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache = folder / "cache"

    def once(self, name: str, make: Callable[[Path], None]) -> Path:
        """Return a folder that the first who asks fills; others wait for it. What is in it can be moved."""
        folder = self.folder / name
        with FileLock(self.folder / f"{name}.lock"):
            if not folder.is_dir():
                part = self.folder / f"{name}.part"
                shutil.rmtree(part, ignore_errors=True)
                part.mkdir()
                make(part)
                part.rename(folder)
        return folder

    def sample(self) -> Desk:
        """The sample dubbed into Brazilian Portuguese, and nothing set."""

        def make(folder: Path) -> None:
            result = Desk(folder, self.cache).run(SAMPLE, "--to", "pt-BR", **COUNTED)
            assert result["exit_code"] == 0, result

        return Desk(self.once("sample", make), self.cache)

    def unheard_sample(self) -> Desk:
        """The same dub, and nobody listens whether it is understood."""
        heard = self.sample()

        def make(folder: Path) -> None:
            desk = heard.copy(folder)
            (folder / "dubkit.toml").write_text(UNHEARD)
            result = desk.run(SAMPLE, "--to", "pt-BR")
            assert result["exit_code"] == 0, result

        return Desk(self.once("unheard", make), self.cache)
