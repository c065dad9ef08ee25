"""Make a locked episode again in an empty folder, and say what came out otherwise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from dubkit.chain.chain import Request
from dubkit.chain.run import Outcome
from dubkit.config import Settings, all_settings, with_settings
from dubkit.episode.context import Context
from dubkit.episode.folders import OpenEpisode, hold_episode, open_episode
from dubkit.episode.store import HIDDEN, EpisodeStore
from dubkit.errors import DubkitError
from dubkit.locking.differences import Difference, differences
from dubkit.locking.lock import PLACES, Locked, lock_records, read_lock, unpacked
from dubkit.progress import Progress
from dubkit.series.place import FILE
from dubkit.series.settings import NONE
from dubkit.studio import Session, dub, episode_context, open_models


@dataclass(frozen=True, slots=True)
class Compared:
    """How an episode that was made again compares with its lock."""

    same: int
    """Results of the lock with the same key and the same files."""
    other_key: tuple[str, ...]
    """Those made from something else: `pt-BR/speak/s0003`."""
    other_files: tuple[str, ...]
    """Those made from the same, with other bytes."""
    missing: tuple[str, ...]
    """Those that were not made."""

    @property
    def equal(self) -> bool:
        """Whether everything came out the same."""
        return not (self.other_key or self.other_files or self.missing)


class Rebuild:
    """A lock, opened on this machine for a source and an output folder.

    Raises DubkitError for a file that cannot be rebuilt, and for a source that is not the locked one.
    """

    def __init__(self, session: Session, file: Path, source: Path) -> None:
        self.file, self.locked = file, read_lock(file)
        opened = open_episode(session.output, source)
        self.session, self.source = locked_session(session, self.locked, opened.store), source
        if opened.sha256 != self.locked.source.sha256:
            raise DubkitError(
                f"{source} is not what was locked: SHA-256 {opened.sha256[:12]}…, locked "
                f"{self.locked.source.sha256[:12]}… ({self.locked.source.name}, "
                f"{self.locked.source.size:,} bytes)."
            )
        self.root = opened.store.root

    def differences(self) -> list[Difference]:
        """Return what is different on this machine. Reads the models as a whole."""
        return differences(self.session, self.locked, self.source)

    def prepare(self, progress: Progress) -> None:
        """Lay what people brought, and the texts, into the folder of the episode, which must be empty."""
        if self.root.exists() and any(self.root.iterdir()):
            raise DubkitError(f"{self.root} is not empty.\nRebuild into another folder: --output FOLDER.")

        def choose() -> OpenEpisode:
            return open_episode(self.session.output, self.source)

        with hold_episode(choose, wait=True, on_wait=progress.note) as opened:
            for name, sha in self.locked.files.items():
                self._lay(opened.store, name, sha)
            for name, sha in self.locked.series.items():
                self._lay(opened.store, f"{SERIES}/{name}", sha)
            for name, sha in self.locked.texts.items():
                self._lay(opened.store, f"{HIDDEN}/items/{name}.json", sha)

    def _lay(self, store: EpisodeStore, name: str, sha256: str) -> None:
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise DubkitError(f"{self.file} names a file outside the episode: {name}.")
        with store.writing(name) as temporary:
            unpacked(self.file, sha256, temporary)

    def run(self, progress: Progress) -> Outcome:
        """Make the episode."""
        return dub(self.session, self.source, Request(self.locked.languages), progress)

    def compare(self) -> Compared:
        """Return how what was made compares with the lock."""
        context = episode_context(self.session, self.source)
        return compare(context, self.locked)


SERIES = f"{HIDDEN}/series"
"""Folder of the episode in which the series lies as it was locked."""


def locked_session(session: Session, locked: Locked, store: EpisodeStore) -> Session:
    """Return a session with the settings of a lock; those of this machine and secrets are its own.

    The series is the one that was locked, and not one that is found here.
    """
    values = {
        entry.name: locked.settings.get(entry.name, entry.default)
        for entry in all_settings()
        if not entry.secret and not entry.machine and not entry.name.startswith(PLACES)
    }
    values["series.file"] = str(store.path(f"{SERIES}/{FILE}")) if locked.series else NONE
    # A value that is refused here is left out by with_settings and named as a difference.
    settings: Settings = with_settings(session.settings, values)
    return replace(session, settings=settings, models=open_models(settings))


def compare(context: Context, locked: Locked) -> Compared:
    """Compare the results of an episode with those of its lock."""
    here = {name: record for name, (_, record) in lock_records(context.store, locked.languages)}
    other_key, other_files, missing, same = [], [], [], 0
    for name, key in locked.keys.items():
        record = here.get(name)
        if record is None:
            missing.append(name)
        elif record.key != key:
            other_key.append(name)
        elif _told_of(name) and tuple(ref.sha256 for ref in record.files) != locked.results.get(name, ()):
            other_files.append(name)
        else:
            same += 1
    return Compared(same, tuple(other_key), tuple(other_files), tuple(missing))


def _told_of(name: str) -> bool:
    """Tell whether the bytes of a result count: a report tells of the run, not only of the dub."""
    return name.split("/")[1] != "qc"
