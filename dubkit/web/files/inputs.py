"""Media files that jobs name: relative to the input folder, and never outside it."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from dubkit.errors import DubkitError
from dubkit.media.files.suffixes import MEDIA
from dubkit.web.site import Site

CURE = "Name a media file below the input folder, such as film.mp4 or series/e01.mkv."


class InputRefused(DubkitError):
    """A name that is not that of a media file below the input folder."""


def input_file(site: Site, name: str) -> Path:
    """Return the absolute path of a file below the input folder.

    Raises InputRefused for absolute names, names with `..`, links that lead outside, hidden files, suffixes
    that are not those of media files, and missing files.
    """
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith(".") for part in parts)
    if not parts or hidden or name.startswith("/") or "\\" in name or not name.isprintable():
        raise InputRefused(f"{name[:200]!r} cannot be the source of a job.\n{CURE}")
    base = site.inputs.resolve()
    try:
        path = (base / name).resolve()
        there = path.is_relative_to(base) and path.is_file()
    except (OSError, ValueError, RuntimeError):  # too long a name, a loop of links
        there = False
    if not there:
        raise InputRefused(f"There is no {name[:200]!r} in the input folder.\n{CURE}")
    if path.suffix.lower() not in MEDIA:
        raise InputRefused(f"{name[:200]!r} does not have the suffix of a media file.\n{CURE}")
    return path
