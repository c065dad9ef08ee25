"""The source files that a command line names: files, folders and globs."""

from __future__ import annotations

import glob
import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dubkit.errors import DubkitError
from dubkit.media.files.suffixes import MEDIA

NO_FLAGS: Mapping[str, Any] = {}


def find_sources(named: tuple[str, ...], flags: Mapping[str, Any] = NO_FLAGS) -> list[Path]:
    """Return the media files that names stand for, each once; a folder stands for the media files in it.

    A film in a store is fetched. Raises DubkitError for a name without a file.
    """
    sources: list[Path] = []
    for name in named:
        if not name.strip():
            raise DubkitError("A VIDEO is empty.\nName a file; a folder is named by its path, this one by .")
        path = source_of(name, flags)
        if path.is_dir():
            here = sorted(f for f in path.iterdir() if f.suffix.lower() in MEDIA and f.is_file())
            if not here:
                raise DubkitError(f"{path}: no media files in this folder.\nName a file, or another folder.")
        elif path.exists():
            here = [path]
        else:
            here = sorted(Path(match) for match in glob.glob(name, recursive=True))
            here = [match for match in here if match.is_file()]
            if not here:
                raise DubkitError(_no_file(name, path))
        sources.extend(here)
    return list(dict.fromkeys(sources))


def source_of(name: str, flags: Mapping[str, Any]) -> Path:
    """Return the path that a name stands for; a film in a store, by its URL, is fetched into the cache."""
    if "://" not in name or Path(name).exists() or name.startswith(("http://", "https://")):
        return Path(name)
    from dubkit.cli.options import load
    from dubkit.studio import fetch_source

    return fetch_source(load(flags).settings, name)


def _no_file(name: str, path: Path) -> str:
    if "://" in name:
        return (
            f"{name}: this is an address, and a film must be a file.\n"
            f"Fetch it first, for example with: yt-dlp -o film.mp4 {shlex.quote(name)}\n"
            "Then name the file: dubkit run film.mp4 …"
        )
    if name == "-":
        return "-: a film is read more than once, so it cannot come from standard input.\nName a file."
    if path.is_symlink():
        end = os.readlink(path)
        return f"{name}: this link leads to {end}, which is not there.\nMend the link, or name the file."
    return f"{name}: no such file.\nCheck the path; quote it when it has spaces."
