"""A store that remembers what it has read of an episode, for a server that is asked for the same many times.

What is remembered is checked by the times of folders and files, once for each store: all that one request
reads is of one moment.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from dubkit.episode.store import HIDDEN, SHARED, EpisodeStore, FileRef, Record, decode_json

T = TypeVar("T")

SETTLED_NS = 25_000_000
"""Age in ns from which a time on the disk is trusted: changes within a tick of its clock look like one."""

State = tuple[int, int, int]
"""Time of change in ns, size and number of a file or folder."""


@dataclass(frozen=True, slots=True)
class _Folder:
    """The records of one stage in one language."""

    state: State
    settled: bool
    files: Mapping[str, State]
    records: Mapping[str, Record]


@dataclass(slots=True)
class Memory:
    """What was read of one episode; threads may share it."""

    folders: dict[Path, _Folder] = field(default_factory=dict)
    artifacts: dict[Path, tuple[State, Any]] = field(default_factory=dict)
    digests: dict[Path, tuple[State, str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held while a folder of records is read, so that not every thread does it."""


class RememberingStore(EpisodeStore):
    """An episode folder of which everything is read once, until it changes. For one request."""

    def __init__(self, root: Path, memory: Memory) -> None:
        super().__init__(root)
        self._memory = memory
        self._items = root / HIDDEN / "items"
        self._now: dict[tuple[str, str], Mapping[str, Record]] = {}

    def read(self, relative: str, kind: type[T], language: str = "") -> T:
        """Read and validate a JSON artifact; see EpisodeStore."""
        if not is_dataclass(kind):
            return super().read(relative, kind, language)  # whoever reads a dict may change it
        path = self.path(relative, language)
        state = _state(path)
        kept = self._memory.artifacts.get(path)
        if state is not None and kept is not None and kept[0] == state and isinstance(kept[1], kind):
            return kept[1]
        value = super().read(relative, kind, language)
        if state is not None and _is_settled(state):
            self._memory.artifacts[path] = (state, value)
        return value

    def artifact_digest(self, relative: str, language: str = "") -> str:
        """SHA-256 of an artifact as it is on disk now."""
        path = self.path(relative, language)
        state = _state(path)
        kept = self._memory.digests.get(path)
        if state is not None and kept is not None and kept[0] == state:
            return kept[1]
        value = super().artifact_digest(relative, language)
        if state is not None and _is_settled(state):
            self._memory.digests[path] = (state, value)
        return value

    def record(self, stage: str, item: str, language: str = "") -> Record | None:
        """Return the record of an item; one that cannot be read counts as none."""
        return self._records(stage, language).get(item)

    def records(self, stage: str, language: str = "") -> dict[str, Record]:
        """Return all records of a stage by item."""
        return dict(self._records(stage, language))

    def whole(self, files: Iterable[FileRef]) -> bool:
        """Tell whether every file is there with its recorded size; see EpisodeStore."""
        root = f"{self.root}/"
        for ref in files:
            try:
                size = os.stat(root + ref.path).st_size
            except OSError:
                return False
            if size != ref.size and not ref.path.endswith(".json"):
                return False
        return True

    def take_folders(self, item: str, language: str) -> list[Path]:
        """Folders of the takes of an item, oldest first."""
        parent = self.path(f"takes/{item}", language)
        try:
            names = sorted(name for name in os.listdir(parent) if name[:1] == "v" and name[1:2].isdigit())
        except OSError:
            return []
        return [parent / name for name in names]

    def save_record(self, record: Record, language: str = "") -> None:
        """Write the record of an item; see EpisodeStore."""
        super().save_record(record, language)
        self._now.pop((record.parts.stage, language or SHARED), None)

    def forget(self, stage: str, item: str, language: str = "") -> None:
        """Forget an item; see EpisodeStore."""
        super().forget(stage, item, language)
        self._now.pop((stage, language or SHARED), None)

    def _records(self, stage: str, language: str) -> Mapping[str, Record]:
        place = (stage, language or SHARED)
        found = self._now.get(place)
        if found is None:
            found = self._now[place] = self._read_records(self._items / place[1] / stage)
        return found

    def _read_records(self, folder: Path) -> Mapping[str, Record]:
        state = _state(folder)
        if state is None:
            return {}
        kept = self._memory.folders.get(folder)
        if kept is not None and kept.settled and kept.state == state:
            return kept.records
        with self._memory.lock:
            state = _state(folder) or state
            kept = self._memory.folders.get(folder)
            if kept is None or not kept.settled or kept.state != state:
                kept = self._memory.folders[folder] = _read_folder(folder, state, kept)
        return kept.records


def _read_folder(folder: Path, state: State, before: _Folder | None) -> _Folder:
    """Read the records of a folder, but those again that have not changed."""
    settled = _is_settled(state)
    files: dict[str, State] = {}
    records: dict[str, Record] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.endswith(".json"):
                continue
            name = entry.name[: -len(".json")]
            stat = entry.stat()
            files[name] = now = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            record = before.records.get(name) if before and before.files.get(name) == now else None
            if record is None:
                try:
                    record = decode_json(Path(entry.path).read_bytes(), Record)
                except (FileNotFoundError, msgspec.DecodeError):
                    continue
            records[name] = record
    return _Folder(state, settled, files, dict(sorted(records.items())))


def _state(path: Path) -> State | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino)


def _is_settled(state: State) -> bool:
    return time.time_ns() - state[0] > SETTLED_NS
