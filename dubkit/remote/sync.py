"""Keep a folder of episodes and a store alike: what changed on one side goes to the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dubkit.episode.folders import find_source, hold_lock
from dubkit.episode.store import EpisodeStore
from dubkit.errors import DubkitError
from dubkit.remote.claims import Hold
from dubkit.remote.mirror import Mirror
from dubkit.remote.objects import Objects
from dubkit.remote.places import NOTES, RemoteOutput, folder_of

Side = Literal["", "store", "folder"]
"""Which side counts where an episode has changed on both; empty for neither."""
Done = Literal["same", "fetched", "sent"]


class ChangedOnBothSides(DubkitError):
    """An episode has changed in the folder and in the store since they were last alike."""


@dataclass(frozen=True, slots=True)
class Synced:
    """What was done with an episode."""

    name: str
    done: Done
    files: int
    """Files that were fetched or sent, and those that were removed."""


class SyncedFolder:
    """A folder of episodes that is kept like the episodes below the URL of a store."""

    def __init__(self, objects: Objects, folder: Path) -> None:
        self.objects = objects
        self.folder = folder.resolve()
        self._place = RemoteOutput(objects, self.folder)

    def names(self) -> list[str]:
        """Return the names of all episodes, of the folder and of the store."""
        here = [path for path in self.folder.glob("*") if find_source(EpisodeStore(path)) is not None]
        return sorted({path.name for path in here} | set(self._place.names()))

    def sync(self, name: str, take: Side = "", *, on_wait: Callable[[str], None]) -> Synced:
        """Bring an episode to the same state on both sides: what changed on one goes to the other.

        Both are held meanwhile; this waits for a run that has the episode in the store. A side that has none
        of the episode is filled, never followed. Raises EpisodeBusy where a run has it in the folder, and
        ChangedOnBothSides without `take`.
        """
        there = self.objects.below(name)
        mirror = self._mirror(name, there)
        if not any(mirror.differences()):
            if not mirror.root.is_dir():
                place = self.objects.place()
                raise DubkitError(f"there is no such episode, neither in {self.folder} nor at {place}.")
            return Synced(name, "same", 0)
        with hold_lock(EpisodeStore(mirror.root), wait=False, on_wait=on_wait):
            hold = Hold(there, self._place.folder_id)
            hold.acquire(wait=True, on_wait=on_wait)
            try:
                mirror.before_writing = hold.check_fence
                return _brought(mirror, name, take, hold.token)
            finally:
                hold.release()

    def _mirror(self, name: str, there: Objects) -> Mirror:
        root = self.folder / name
        notes = self.folder / NOTES / folder_of(self.objects.url, self.objects.settings) / f"{name}.json"
        mirror = Mirror(root, there, notes)
        if find_source(EpisodeStore(root)) is None or not mirror.in_store():
            mirror.forget()
        return mirror


def _brought(mirror: Mirror, name: str, take: Side, token: str) -> Synced:
    here, there = mirror.differences()
    if here and there and not take:
        raise ChangedOnBothSides(
            f"{mirror.root} and {mirror.objects.place()} have both changed since they were last alike: "
            f"{len(here)} files here, {len(there)} there, such as {min(there)}.\n"
            "Say whose changes stay: --take folder or --take store. Those of the other side are lost."
        )
    count = len(here | there)
    if there and take != "folder":
        try:
            mirror.pull()
            mirror.need_below("")
        finally:
            mirror.begin(token)
        return Synced(name, "fetched", count)
    mirror.begin(token)
    mirror.replace_store()
    return Synced(name, "sent", count)
