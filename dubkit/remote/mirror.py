"""A working folder and its episode in a store, kept alike: what a run reads is fetched, what it makes sent.

Files go before the record that names them, and a record goes away before one of its files is replaced:
whoever sees a record in the store sees whole files. The same on the way down: files first, records last.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from dubkit.episode.records import Record, canonical, decode_json
from dubkit.episode.store import HIDDEN
from dubkit.remote.claims import FOLDER as STORE_FOLDER
from dubkit.remote.failures import ObjectMissing, StoreError
from dubkit.remote.objects import Listed, Objects, new_token

AT_ONCE = 8
"""Objects that are fetched at the same time."""
SAVE_EVERY = 5.0
"""Seconds after which what both sides have in common is noted again; a kill costs that much sending."""
_OWN = (f"{HIDDEN}/lock", f"{HIDDEN}/holder.json", f"{HIDDEN}/tmp/", f"{HIDDEN}/web/", f"{STORE_FOLDER}/")
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


class Mirror:
    """One episode: its working folder, and its objects."""

    def __init__(self, root: Path, objects: Objects, notes: Path) -> None:
        """`notes` is the file beside the folder that remembers what both sides have in common."""
        self.root = root
        self.objects = objects
        self._notes = notes
        self._state = _read_state(notes)
        self.pending: dict[str, Listed] = {}
        """Large files that are in the store and were not read yet."""
        self._known: dict[str, str] = {}
        self._lock = threading.RLock()
        self._saved = 0.0
        self._owner = False
        self.before_writing: Callable[[], None] = lambda: None
        """Called before a record is sent; raises when this run must not write any more."""

    # down

    def pull(self, *, token: str = "", owner: bool = False) -> None:
        """Bring the folder to what the store holds; files above `store.small` follow when they are read.

        Where `token`, the last hold in the store, is the one that this folder was worked on under, what the
        folder has beyond the store is newer, and stays. An `owner` of the episode also tidies up the store.
        """
        with self._lock:
            self._owner = owner
            ours = bool(token) and token == self._state.token
            there = {name: row for name, row in self.objects.list().items() if not _is_own(name)}
            if owner:
                self._drop_half_takes(there, ours)
            here = dict(self._here())
            wanted = [name for name in there if self._differs(name, there[name], here.get(name), ours)]
            for name in here.keys() - there.keys():
                if not (ours and self._is_newer(name, here[name])):
                    self._drop_here(name)
            self._fetch(wanted, there)
            self._save()

    def need(self, name: str) -> None:
        """Fetch a large file now that it is read."""
        with self._lock:
            listed = self.pending.get(name)
            if listed is None:
                return
            self._fetch_one(name, listed)
            self._save()
            if not (self.root / name).is_file():
                if self._owner:
                    self._drop_there(name)
                raise StoreError(
                    f"{self.objects.place(name)}: it is not what its record says.\n"
                    "Run the same command again: it is made anew."
                )

    def need_below(self, folder: str) -> None:
        """Fetch the large files of a folder; of the whole episode where it is empty."""
        begin = f"{folder}/" if folder else ""
        for name in [name for name in self.pending if name.startswith(begin)]:
            self.need(name)

    def _differs(self, name: str, listed: Listed, here: Same | None, ours: bool) -> bool:
        """Tell whether the store's object must be fetched, because the file is not it."""
        same = self._state.files.get(name)
        if not ours or _is_edit(name):
            unchanged = same is not None and here is not None and same.stamp == here.stamp
            return not (unchanged and same is not None and same.tag == listed.tag)
        if here is None:
            return same is None  # else it was removed here, which the store has not heard of
        return same is not None and same.stamp == here.stamp and same.tag != listed.tag

    def _is_newer(self, name: str, here: Same) -> bool:
        """Tell whether a file that the store lacks was made here since, and was not removed there."""
        same = self._state.files.get(name)
        return same is None or same.stamp != here.stamp

    def _fetch(self, wanted: Iterable[str], there: Mapping[str, Listed]) -> None:
        records = sorted(name for name in wanted if _is_record(name))
        small = self.objects.settings.small
        with ThreadPoolExecutor(AT_ONCE) as pool:
            raws = dict(zip(records, pool.map(lambda n: self._read(n, there[n]), records), strict=True))
            self._learn(raws.values())
            self.pending = {n: there[n] for n in self.pending if n in there and n not in wanted}
            files = [name for name in wanted if name not in raws]
            for name in files:
                if there[name].size > small and not name.endswith((".json", ".jsonl")):
                    self._drop_here(name)
                    self.pending[name] = there[name]
            list(
                pool.map(lambda n: self._fetch_one(n, there[n]), (n for n in files if n not in self.pending))
            )
        for name, raw in raws.items():
            if raw is not None:
                self._put_here(name, raw, there[name])
            else:
                self._drop_here(name)

    def _read(self, name: str, listed: Listed) -> bytes | None:
        with suppress(ObjectMissing):
            return self.objects.read(name, listed)
        return None

    def _learn(self, raws: Iterable[bytes | None]) -> None:
        """Note the SHA-256 of all files that records name."""
        for raw in raws:
            with suppress(msgspec.DecodeError, TypeError):
                record = decode_json(raw or b"", Record)
                self._known.update({ref.path: ref.sha256 for ref in record.files})

    def _fetch_one(self, name: str, listed: Listed) -> None:
        """Fetch a file; one that is not what its record says is left out, so that it is made again.

        JSON stays, as a person may have changed it: it is validated when it is read.
        """
        target = self.root / name
        temporary = self.root / HIDDEN / "tmp" / f".{new_token()}{target.suffix}"
        temporary.parent.mkdir(parents=True, exist_ok=True)
        try:
            right = self.objects.fetch(name, temporary, listed, self._known.get(name, ""))
            if right or name.endswith(".json"):
                target.parent.mkdir(parents=True, exist_ok=True)
                temporary.replace(target)
                self._remember(name, listed.tag)
            else:
                self._drop_here(name)
        except ObjectMissing:
            self._drop_here(name)  # it was removed since the listing
        finally:
            temporary.unlink(missing_ok=True)
            self.pending.pop(name, None)

    def _put_here(self, name: str, raw: bytes, listed: Listed) -> None:
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{new_token()}.json")
        temporary.write_bytes(raw)
        temporary.replace(target)
        self._remember(name, listed.tag)

    def _drop_here(self, name: str) -> None:
        (self.root / name).unlink(missing_ok=True)
        self._state.files.pop(name, None)

    def _drop_half_takes(self, there: dict[str, Listed], ours: bool) -> None:
        """Remove what a killed run sent of a take whose `take.json` never followed."""
        takes = {name.rpartition("/")[0] for name in there if _is_take_file(name)}
        for take in sorted(takes):
            if f"{take}/take.json" in there or (ours and (self.root / take / "take.json").is_file()):
                continue
            for name in [name for name in there if name.startswith(f"{take}/")]:
                self.objects.remove(name)
                del there[name]

    # up

    def begin(self, token: str) -> None:
        """Note under which hold the folder is worked on from now on."""
        with self._lock:
            self._state.token = token
            self._save()

    def push_record(self, name: str, files: Iterable[str]) -> None:
        """Send what an item left, files first and its record last."""
        with self._lock:
            self.before_writing()
            changed = [file for file in files if self._changed(file)]
            if changed and name in self._state.files:
                self._drop_there(name)
            for file in changed:
                self._send(file)
            if (self.root / name).is_file():
                self._send(name)
            else:
                self._drop_there(name)
            if time.monotonic() - self._saved > SAVE_EVERY:
                self._save()

    def push_file(self, name: str) -> None:
        """Send one file that a person changed."""
        with self._lock:
            self._send(name)
            self._save()

    def push(self) -> None:
        """Send everything that is different here, and remove from the store what is gone here."""
        with self._lock:
            here = dict(self._here())
            gone = [n for n in self._state.files if n not in here and n not in self.pending]
            changed = [name for name in here if self._changed(name)]
            if not gone and not changed:
                return
            self.before_writing()
            for name in (name for name in gone if _is_record(name)):
                self._drop_there(name)
            for name in sorted(changed, key=lambda name: (_is_record(name), name)):
                self._send(name)
            for name in (name for name in gone if not _is_record(name)):
                self._drop_there(name)
            self._save()

    def _changed(self, name: str) -> bool:
        same = self._state.files.get(name)
        try:
            stat = (self.root / name).stat()
        except OSError:
            return False
        return same is None or same.stamp != (stat.st_size, stat.st_mtime_ns)

    def _send(self, name: str) -> None:
        path = self.root / name
        try:
            before = _look(path)
            listed = self.objects.send(name, path)
        except (FileNotFoundError, ObjectMissing):
            if path.is_file():
                raise
            return  # another thread has removed it since
        self.pending.pop(name, None)
        self._state.files[name] = Same(before.size, before.mtime_ns, listed.tag)

    def _drop_there(self, name: str) -> None:
        self.objects.remove(name)
        self._state.files.pop(name, None)

    # inside

    def _here(self) -> Iterator[tuple[str, Same]]:
        for path in self.root.rglob("*"):
            name = path.relative_to(self.root).as_posix()
            if not _is_own(name) and not path.name.startswith(".") and path.is_file():
                with suppress(FileNotFoundError):
                    yield name, _look(path)

    def _remember(self, name: str, tag: str) -> None:
        look = _look(self.root / name)
        self._state.files[name] = Same(look.size, look.mtime_ns, tag)

    def _save(self) -> None:
        self._notes.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._notes.with_name(f".{new_token()}.json")
        temporary.write_bytes(canonical(self._state))
        temporary.replace(self._notes)
        self._saved = time.monotonic()


def _read_state(notes: Path) -> MirrorState:
    try:
        return decode_json(notes.read_bytes(), MirrorState)
    except (OSError, msgspec.DecodeError):
        return MirrorState()


def _look(path: Path) -> Same:
    stat = path.stat()
    return Same(stat.st_size, stat.st_mtime_ns, "")


def _is_own(name: str) -> bool:
    return any(name == own or (own.endswith("/") and name.startswith(own)) for own in _OWN)


def _is_record(name: str) -> bool:
    """Tell whether a file says of others that they are whole."""
    return name.startswith(f"{HIDDEN}/items/") or (_is_take_file(name) and name.endswith("/take.json"))


def _is_take_file(name: str) -> bool:
    parts = name.split("/")
    return len(parts) >= 4 and parts[-4] == "takes"


def _is_edit(name: str) -> bool:
    """Tell whether people write a file, who need no hold on the episode: the store's is the newer one."""
    return name.rpartition("/")[2] in ("edits.json", "edits.jsonl")
