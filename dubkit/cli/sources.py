"""The source files that a command line names: files, folders and globs."""

from __future__ import annotations

import glob
from pathlib import Path

from dubkit.errors import DubkitError
from dubkit.media.files.suffixes import MEDIA


def find_sources(named: tuple[str, ...]) -> list[Path]:
    """Return the media files that names stand for, each once; a folder stands for the media files in it.

    Raises DubkitError for a name without a file.
    """
    sources: list[Path] = []
    for name in named:
        path = Path(name)
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
                raise DubkitError(f"{name}: no such file.\nCheck the path; quote it when it has spaces.")
        sources.extend(here)
    return list(dict.fromkeys(sources))
