"""The folder of a storyboard's film: a folder for every shot with its record, and the film.

A shot's folder appears whole or not at all: it is written beside its place and renamed. A record names the
SHA-256 of each file, so that a damaged or foreign file is made again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dubkit.errors import EpisodeBusy

SUFFIX = ".storyboard"
"""What names of such folders end with: no episode's does."""
RECORD, FILM, FILM_RECORD, THUMBNAIL = "record.json", "film.mp4", "film.json", "thumbnail.jpg"
PICTURE, SOUND, LAST = "shot.mp4", "sound.wav", "last.png"
FILES = (PICTURE, SOUND, LAST, THUMBNAIL)
"""What a shot is: its new frames, their sound, the last true frame, and a small picture."""


class FilmFolder:
    """Where a film and its shots lie."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def shot(self, name: str) -> Path:
        """Return the folder of a shot."""
        return self.root / "shots" / name

    def record(self, name: str) -> dict[str, Any] | None:
        """Return the record of a shot whose files are all as it says; None where there is none."""
        folder = self.shot(name)
        record = read_json(folder / RECORD)
        if record is None or set(record.get("files", ())) != set(FILES):
            return None
        return (
            record if all(_same(folder / file, digest) for file, digest in record["files"].items()) else None
        )

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """Give an empty folder that becomes the shot's when the block ends well."""
        target = self.shot(name)
        temporary = target.with_name(f".{name}.part")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        try:
            yield temporary
            for file in temporary.iterdir():
                _flush(file)
            shutil.rmtree(target, ignore_errors=True)
            temporary.replace(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def without(self, names: set[str]) -> None:
        """Remove the folders of shots that the storyboard no longer has."""
        folder = self.root / "shots"
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.name not in names:
                shutil.rmtree(path, ignore_errors=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder. Raises EpisodeBusy where another run does."""
        from filelock import FileLock, Timeout

        self.root.mkdir(parents=True, exist_ok=True)
        try:
            # The operating system drops the lock of a killed process, so no lock is ever stale.
            with FileLock(self.root / ".lock", timeout=0):
                yield
        except Timeout:
            raise EpisodeBusy(
                f"Another run works on {self.root}.\nWait until it is done, or choose another --output."
            ) from None


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_json(path: Path) -> dict[str, Any] | None:
    """Return an object from a JSON file; None where there is none to read."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON file; it appears whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.write_text(json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
        _flush(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _same(path: Path, digest: str) -> bool:
    try:
        return digest_of(path) == digest
    except OSError:
        return False


def _flush(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
