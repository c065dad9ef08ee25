"""The sources of a batch: files, folders and globs, and new files in watched folders."""

from __future__ import annotations

import glob
import math
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from dubkit.batch.journal import Signature
from dubkit.episode.folders import folder_name
from dubkit.episode.store import digest
from dubkit.errors import DubkitError
from dubkit.media.files.suffixes import MEDIA

_NUMBER = re.compile(r"(\d+)")


def list_sources(named: Sequence[str], output: Path) -> list[Path]:
    """Return the files that names stand for, each once, numbers in their names in order.

    A folder stands for the media files in it. A file that is named but is not there, and a link to nothing,
    are listed too: the batch tells what is wrong with them and goes on. What lies in the output folder is
    left out. Raises DubkitError for a folder or a glob without any file.
    """
    sources: list[Path] = []
    for name in named:
        if not name.strip():
            raise DubkitError("A VIDEO is empty.\nName a file, a folder or a glob.")
        sources += _in_order(_files_of(name), output)
    unique: dict[str, Path] = {}
    for source in sources:
        unique.setdefault(os.path.abspath(source), source)
    return list(unique.values())


def _files_of(name: str) -> list[Path]:
    path = Path(name)
    if path.is_dir():
        here = [file for file in path.iterdir() if file.suffix.lower() in MEDIA and not file.is_dir()]
        if not here:
            raise DubkitError(f"{path}: no media files in this folder.\nName another folder, or a glob.")
        return here
    if os.path.lexists(path) or not glob.has_magic(name):
        return [path]
    here = [Path(match) for match in glob.glob(name, recursive=True) if not os.path.isdir(match)]
    if not here:
        raise DubkitError(f"{name}: no file matches.\nCheck the path; quote a glob so that it arrives whole.")
    return here


def _in_order(files: Iterable[Path], output: Path) -> list[Path]:
    below = output.absolute()
    kept = (file for file in files if below not in file.absolute().parents)
    return sorted(kept, key=lambda file: [_sortable(part) for part in file.parts])


def _sortable(part: str) -> list[tuple[int, int, str]]:
    """Return a name in a form in which `ep2` comes before `ep10`."""
    pieces = (piece for piece in _NUMBER.split(part) if piece)
    return [(0, int(p), p) if p.isdecimal() else (1, 0, p.casefold()) for p in pieces]


def episode_id(source: Path) -> str:
    """Return a short name for an episode of a batch that is the same in every run and safe in file names."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", folder_name(source).encode("ascii", "replace").decode())
    return f"{stem.strip('-')[:32] or 'episode'}-{digest(_path_bytes(source))[:8]}"


def _path_bytes(source: Path) -> str:
    return os.fsencode(os.path.abspath(source)).hex()


@dataclass(slots=True)
class FolderWatch:
    """Looks for new media files in folders, and waits until they have stopped growing."""

    folders: tuple[Path, ...]
    output: Path
    settle_seconds: float
    _seen: dict[str, tuple[Signature, float]] = field(default_factory=dict)
    """Path -> what it was like when it last changed, and when that was noticed."""
    _taken: dict[str, Signature] = field(default_factory=dict)
    _looked: float = -math.inf

    def settled(self, moment: float) -> list[Path]:
        """Return the files that have not changed for long enough and that nobody is writing, each once."""
        ready: list[Path] = []
        if moment - self._looked < min(1.0, self.settle_seconds / 4):
            return ready
        self._looked = moment
        for file in _in_order(self._files(), self.output):
            name, now = os.path.abspath(file), Signature.of(file)
            before = self._seen.get(name)
            if before is None or before[0] != now:
                self._seen[name] = (now, moment)
            elif (
                moment - before[1] >= self.settle_seconds
                and now.size
                and self._taken.get(name) != now
                and not is_being_written(file)
            ):
                self._taken[name] = now
                ready.append(file)
        return ready

    def _files(self) -> Iterator[Path]:
        for folder in self.folders:
            with suppress(OSError):
                for place, folders, names in os.walk(folder):
                    folders[:] = [one for one in folders if not one.startswith(".")]
                    for name in names:
                        if not name.startswith(".") and Path(name).suffix.lower() in MEDIA:
                            yield Path(place, name)


def is_being_written(file: Path) -> bool:
    """Tell whether a program of this user has a file open for writing, where the system shows that."""
    with suppress(OSError):
        wanted = os.stat(file)
        for process in os.listdir("/proc"):
            if process.isdecimal() and _writes(process, (wanted.st_dev, wanted.st_ino)):
                return True
    return False


def _writes(process: str, file: tuple[int, int]) -> bool:
    place = f"/proc/{process}/fd"
    try:
        numbers = os.listdir(place)
    except OSError:
        return False  # another user's, or it has ended
    for number in numbers:
        with suppress(OSError, ValueError):
            stat = os.stat(f"{place}/{number}")
            if (stat.st_dev, stat.st_ino) == file:
                flags = Path(f"/proc/{process}/fdinfo/{number}").read_text().partition("flags:")[2].split()[0]
                if int(flags, 8) & os.O_ACCMODE:
                    return True
    return False
