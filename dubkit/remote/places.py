"""Where the episodes of a URL are worked on, and where a source that has a URL is kept."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from filelock import FileLock, Timeout

from dubkit.episode.folders import SOURCE, OpenEpisode, folder_name, open_episode
from dubkit.episode.store import HIDDEN
from dubkit.errors import DubkitError
from dubkit.proxies import shown
from dubkit.remote.claims import read_fence
from dubkit.remote.failures import ObjectMissing
from dubkit.remote.mirror import Mirror
from dubkit.remote.objects import Listed, Objects, new_token
from dubkit.remote.settings import RemoteStores
from dubkit.remote.store import MirroredStore

NOTES = ".store"
"""Folder beside the working folders: what each has in common with the store."""


@dataclass(eq=False)
class RemoteOutput:
    """The output folder of a session that lies in a store, and the working folder that stands for it."""

    objects: Objects
    folder: Path
    _mirrors: dict[str, Mirror] = field(default_factory=dict)

    @property
    def folder_id(self) -> str:
        """A name that no other working folder has."""
        file = self.folder / NOTES / "folder"
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(file.with_suffix(".lock")):
                if not file.is_file():
                    file.write_text(new_token())
        return file.read_text()

    def open(self, source: Path, *, look: bool = True) -> OpenEpisode:
        """Choose the folder of a source as in any output folder; with `look`, fetch what is new in the store.

        A run leaves the look to the moment when it holds the episode.
        """
        self._fetch_memo(folder_name(source))
        opened = open_episode(self.folder, source)
        return replace(opened, store=self.store(opened.store.root.name, look=look))

    def store(self, name: str, *, look: bool = True) -> MirroredStore:
        """Return an episode by the name of its folder."""
        mirror = self._mirrors.get(name)
        if mirror is None:
            notes = self.folder / NOTES / f"{name}.json"
            mirror = self._mirrors[name] = Mirror(self.folder / name, self.objects.below(name), notes)
            if look:
                self._look(mirror)
        return MirroredStore(mirror, self.folder_id)

    def find(self, name: str) -> MirroredStore | None:
        """Return an episode by the name of its folder, as it is in the store; None where there is none."""
        if not name or "/" in name or name.startswith("."):
            return None
        store = self.store(name)
        return store if store.has(SOURCE) else None

    def names(self) -> list[str]:
        """Return the names of all episodes in the store. It lists everything there, which takes a while."""
        end = f"/{SOURCE}"
        return sorted(name.removesuffix(end) for name in self.objects.list() if name.endswith(end))

    def _fetch_memo(self, stem: str) -> None:
        """Fetch what the store knows of the source of an episode: it decides which folder a source has."""
        try:
            raw = self.objects.read(f"{stem}/{SOURCE}")
        except ObjectMissing:
            return
        memo = self.folder / stem / SOURCE
        memo.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / stem / HIDDEN / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return
        try:
            if not memo.is_file() or _digest_in(memo.read_bytes()) != _digest_in(raw):
                memo.write_bytes(raw)
        finally:
            lock.release()

    def _look(self, mirror: Mirror) -> None:
        """Bring a working folder up to date, unless a run of this machine works there, ahead of the store."""
        if not mirror.root.is_dir() and not mirror.objects.list():
            return
        (mirror.root / HIDDEN).mkdir(parents=True, exist_ok=True)
        lock = FileLock(mirror.root / HIDDEN / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return
        try:
            mirror.pull(token=read_fence(mirror.objects)[1])
        finally:
            lock.release()


def _digest_in(raw: bytes) -> str:
    try:
        return str(json.loads(raw)["sha256"])
    except (ValueError, KeyError, TypeError):
        return ""


def open_output(url: str, settings: RemoteStores, cache: Path) -> RemoteOutput:
    """Open the store of a URL, and the working folder in the cache that stands for it.

    Raises StoreError where store, bucket or key cannot be used.
    """
    objects = Objects(url, settings)
    objects.open()
    folder = cache / "episodes" / folder_of(objects.url, settings)
    folder.mkdir(parents=True, exist_ok=True)
    return RemoteOutput(objects, folder)


def fetch_source(url: str, settings: RemoteStores, cache: Path) -> Path:
    """Return the file of a source that has a URL: fetched once, and again when size or tag there change."""
    above, _, name = url.rpartition("/")
    if not name or above.endswith(":/"):
        raise DubkitError(f"{shown(url)}: this is no file.\nName a media file, such as s3://BUCKET/film.mkv.")
    objects = Objects(above, settings)
    objects.open()
    listed = objects.list(name).get(name)
    if listed is None:
        raise DubkitError(
            f"{shown(url)}: there is no such object.\nCheck the URL, and your right to read it."
        )
    folder = cache / "sources" / folder_of(above, settings)
    folder.mkdir(parents=True, exist_ok=True)
    target, notes = folder / name, folder / f"{name}.origin.json"
    with FileLock(folder / f"{name}.lock"):
        if target.is_file() and target.stat().st_size == listed.size and _listed_in(notes) == listed:
            return target
        temporary = folder / f".{new_token()}-{name}"
        try:
            notes.unlink(missing_ok=True)
            objects.fetch(name, temporary, listed)
            temporary.replace(target)
            notes.write_text(json.dumps({"size": listed.size, "tag": listed.tag}))
        finally:
            temporary.unlink(missing_ok=True)
    return target


def _listed_in(notes: Path) -> Listed | None:
    try:
        row = json.loads(notes.read_text())
        return Listed(row["size"], row["tag"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def folder_of(url: str, settings: RemoteStores) -> str:
    """Return a folder name for a URL: readable, and of this URL at this server alone."""
    words = re.sub(r"[^A-Za-z0-9]+", "-", url.partition("://")[2]).strip("-")[-40:]
    number = hashlib.sha256(f"{settings.endpoint} {url}".encode()).hexdigest()[:12]
    return f"{words}-{number}" if words else number
