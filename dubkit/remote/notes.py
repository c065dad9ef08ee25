"""What is known of the files of an episode in a store: their kinds, and how both sides looked when alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from dubkit.episode.records import decode_json
from dubkit.episode.store import HIDDEN
from dubkit.remote.claims import FOLDER as STORE_FOLDER

_OWN = (
    f"{HIDDEN}/lock",
    f"{HIDDEN}/edits.lock",
    f"{HIDDEN}/holder.json",
    f"{HIDDEN}/tmp/",
    f"{HIDDEN}/web/",
    f"{STORE_FOLDER}/",
)
"""What is of one machine, and never in a store or taken from it."""


@dataclass(frozen=True, slots=True)
class Same:
    """One file that was the same here and in the store: how it looked on both sides."""

    size: int
    mtime_ns: int
    tag: str

    @property
    def stamp(self) -> tuple[int, int]:
        """Size and time of the file here."""
        return self.size, self.mtime_ns


@dataclass(slots=True)
class MirrorState:
    """What is known of the last time when both sides were the same."""

    token: str = ""
    """The hold under which this folder was last worked on."""
    files: dict[str, Same] = field(default_factory=dict)


def read_state(notes: Path) -> MirrorState:
    try:
        return decode_json(notes.read_bytes(), MirrorState)
    except (OSError, msgspec.DecodeError):
        return MirrorState()


def look_at(path: Path) -> Same:
    stat = path.stat()
    return Same(stat.st_size, stat.st_mtime_ns, "")


def is_own(name: str) -> bool:
    return any(name == own or (own.endswith("/") and name.startswith(own)) for own in _OWN)


def is_record(name: str) -> bool:
    """Tell whether a file says of others that they are whole."""
    return name.startswith(f"{HIDDEN}/items/") or (is_take_file(name) and name.endswith("/take.json"))


def is_take_file(name: str) -> bool:
    parts = name.split("/")
    return len(parts) >= 4 and parts[-4] == "takes"


def is_of_people(name: str) -> bool:
    """Tell whether a file belongs to the edits: they themselves, their log, the moments of their lines."""
    return is_edit(name) or name == f"{HIDDEN}/anchors.json"


def is_edit(name: str) -> bool:
    """Tell whether people write a file, who need no hold on the episode: the store's is the newer one."""
    return name.rpartition("/")[2] in ("edits.json", "edits.jsonl")
