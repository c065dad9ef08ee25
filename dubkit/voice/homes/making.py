"""Make the home of a voice engine: find a Python, make an environment, install, and try it."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dubkit.errors import ToolError
from dubkit.voice.homes.home import MARKER, Home, MadeHome, made_home, mark, python_in, runner_command

SPARE = 256 << 20
"""Bytes that must stay free on the disk beside a home."""

Command = tuple[str, ...]

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Making:
    """How a home is made."""

    home: Home
    folder: Path
    python: Path
    """The interpreter that makes the environment."""

    @property
    def commands(self) -> tuple[Command, ...]:
        """The commands, in their order."""
        inside = str(python_in(self.folder))
        pip = (inside, "-I", "-m", "pip", "install", "--disable-pip-version-check", "--no-input")
        return (
            (str(self.python), "-I", "-m", "venv", str(self.folder)),
            (*pip, *self.home.options, *self.home.packages),
            (*runner_command(self.folder), self.home.runner, "--version"),
        )

    @property
    def lines(self) -> tuple[str, ...]:
        """The commands as a shell takes them."""
        return tuple(shlex.join(command) for command in self.commands)


def find_python(home: Home, asked: str = "") -> Path:
    """Return an interpreter that the packages of a home have wheels for.

    It is the one asked for, else this one, else one of the search path. Raises ToolError when there is none.
    """
    oldest, newest = home.pythons
    names = [f"python{newest[0]}.{minor}" for minor in range(newest[1], oldest[1] - 1, -1)]
    for candidate in [asked] if asked else [sys.executable, *filter(None, map(shutil.which, names))]:
        found = _python_version(candidate)
        if found is not None and oldest <= found <= newest:
            return Path(candidate)
        if asked:
            said = "does not run" if found is None else f"is Python {found[0]}.{found[1]}"
            raise ToolError(f"{asked} {said}; {home.name} needs Python {_range(home)}.")
    this = f"{sys.version_info[0]}.{sys.version_info[1]}"
    raise ToolError(
        f"{home.name} needs Python {_range(home)}, and this is {this}.\n"
        f"Name one: dubkit voices install {home.name} --python /path/to/python"
    )


def _range(home: Home) -> str:
    return " to ".join(f"{major}.{minor}" for major, minor in home.pythons)


def _python_version(program: str) -> tuple[int, int] | None:
    asked = "import sys; print(*sys.version_info[:2])"
    try:
        ran = subprocess.run([program, "-c", asked], capture_output=True, text=True, timeout=60, check=True)
        major, minor = map(int, ran.stdout.split())
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return major, minor


def make_home(making: Making, say: Say) -> MadeHome:
    """Make a home, or return the one that is there; what an earlier try left half made is made anew.

    Raises ToolError when a step fails, or when the folder holds something else.
    """
    from filelock import FileLock

    folder = making.folder
    _refuse_others_folder(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent / f".{folder.name}.lock"):
        made = made_home(folder)
        if made is not None and made.packages == making.home.packages:
            return made
        _make_room(making)
        _begin(folder)
        for command in making.commands:
            say(shlex.join(command))
            said = _run(command, making)
        made = MadeHome(making.home.packages, _told_version(said, making), _inner_python(folder))
        mark(folder, made)
    return made


def _refuse_others_folder(folder: Path) -> None:
    """Raise ToolError for a folder with something that dubkit did not make: a home would replace it."""
    if folder.exists() and not (folder / MARKER).is_file() and (folder.is_file() or any(folder.iterdir())):
        raise ToolError(
            f"{folder} holds something that dubkit did not make, and an environment would replace it.\n"
            "Name another folder with --home, or empty this one."
        )


def _begin(folder: Path) -> None:
    """Empty a folder and claim it: until it is marked as whole, it counts as half made."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MARKER).write_text("{}", encoding="utf-8")


def _make_room(making: Making) -> None:
    free = shutil.disk_usage(making.folder.parent).free
    if free < making.home.size + SPARE:
        raise ToolError(
            f"{making.home.name} takes about {making.home.size / 1e9:.1f} GB, and {making.folder.parent} has "
            f"{free / 1e9:.1f} GB left.\nFree some space, or name a folder on another disk with --home."
        )


def _run(command: Command, making: Making) -> str:
    """Run a command and return what it wrote. Raises ToolError with its last words."""
    try:
        ran = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    except OSError as error:
        raise ToolError(f"{command[0]} cannot be run: {error.strerror}.") from error
    if ran.returncode == 0:
        return ran.stdout
    raise ToolError(
        f"{making.home.name} could not be installed. This failed:\n  {shlex.join(command)}\n"
        f"{_last_words(f'{ran.stdout}{ran.stderr}')}\n"
        "Look at the network and at the package index of pip, then run the same command again: what is half "
        "made is made anew."
    )


def _last_words(said: str, lines: int = 4) -> str:
    """Return the last lines that say something, without those in which pip speaks of its own version."""
    kept = [
        line.strip()
        for line in said.splitlines()
        if line.strip() and not line.startswith(("[notice]", "WARNING"))
    ]
    return "\n".join(f"  {line}" for line in kept[-lines:]) or "  It said nothing."


def _told_version(said: str, making: Making) -> str:
    try:
        return str(json.loads(said.splitlines()[-1])["version"])
    except (IndexError, ValueError, KeyError, TypeError):
        raise ToolError(
            f"{making.home.name} was installed, but its runner did not tell its version:\n{_last_words(said)}"
        ) from None


def _inner_python(folder: Path) -> str:
    version = _python_version(str(python_in(folder)))
    return ".".join(map(str, version)) if version else ""
