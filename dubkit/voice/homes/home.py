"""The home of a voice engine: an environment of its own, what is in it, and whether it is there."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FOLDER = "homes"
"""Folder of all homes, in dubkit's cache."""

MARKER = "dubkit-home.json"
"""File of a home that is whole: written last, so that a home without it is half made."""

RUNNERS = Path(__file__).parent / "runners"


@dataclass(frozen=True, slots=True)
class Home:
    """What an engine needs around it."""

    name: str
    """As its engine is named."""
    packages: tuple[str, ...]
    """What is installed, each with its exact version: `piper-tts==1.8.0`. The first is the engine's own."""
    runner: str
    """Module of `dubkit.voice.homes.runners` that speaks in it."""
    pythons: tuple[tuple[int, int], tuple[int, int]]
    """Oldest and newest Python that the packages have wheels for."""
    size: int
    """Bytes that it takes on the disk, about, without weights."""
    options: tuple[str, ...] = ()
    """Further arguments of `pip install`, such as another index."""
    weights: str = ""
    """Where its weights come from and how much they are, in words."""

    @property
    def version(self) -> str:
        """Version of the engine's own package."""
        return self.packages[0].partition("==")[2]


@dataclass(frozen=True, slots=True)
class MadeHome:
    """What the marker of a home says."""

    packages: tuple[str, ...]
    version: str
    """What the engine's package said of itself."""
    python: str
    """Version of the Python in it."""


def folder_of(home: Home, cache: Path | None, settings: Any) -> Path | None:
    """Return the folder of a home: that of its engine's settings, else the one in the cache, else None."""
    own = getattr(settings, "home", "")
    if own:
        return Path(own).expanduser()
    return cache / FOLDER / home.name if cache is not None else None


def made_home(folder: Path) -> MadeHome | None:
    """Return what is said of a home that was made; None for one that is not there or half made."""
    try:
        marker = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        made = MadeHome(tuple(marker["packages"]), str(marker["version"]), str(marker["python"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return made if python_in(folder).is_file() else None


def mark(folder: Path, made: MadeHome) -> None:
    """Say of a home that it is whole."""
    unfinished = folder / f"{MARKER}.new"
    unfinished.write_text(json.dumps(asdict(made), indent=1), encoding="utf-8")
    unfinished.replace(folder / MARKER)


def python_in(folder: Path) -> Path:
    """Return the interpreter of an environment."""
    return program_in(folder, "python")


def program_in(folder: Path, name: str) -> Path:
    """Return a program of an environment."""
    return folder / "Scripts" / f"{name}.exe" if os.name == "nt" else folder / "bin" / name


def runner_command(folder: Path) -> tuple[str, ...]:
    """Return what runs a runner in a home; `-I` keeps dubkit's own environment out of it."""
    return (str(python_in(folder)), "-I", str(RUNNERS / "serve.py"))


def absence(home: Home, called: str, folder: Path | None) -> str:
    """Return why an engine has no home that serves it, with the cure; empty when it has one."""
    cure = f"Run: dubkit voices install {home.name} (about {home.size / 1e9:.1f} GB)."
    if folder is None or not folder.exists():
        return f"{called} is not installed: it needs an environment of its own. {cure}"
    made = made_home(folder)
    if made is None:
        return f"the environment of {called} in {folder} is not whole. {cure}"
    if made.packages != home.packages:
        lacking = ", ".join(package for package in home.packages if package not in made.packages)
        return f"the environment of {called} in {folder} is of another version ({lacking} is needed). {cure}"
    return ""
