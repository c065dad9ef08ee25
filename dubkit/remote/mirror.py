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
from pathlib import Path

import msgspec

from dubkit.episode.records import Record, canonical, decode_json
from dubkit.episode.store import HIDDEN
from dubkit.remote.failures import ObjectMissing, StoreError
from dubkit.remote.notes import (
    MirrorState,
    Same,
    is_edit,
    is_of_people,
    is_own,
    is_record,
    is_take_file,
    look_at,
    read_state,
)
from dubkit.remote.objects import Listed, Objects, new_token

AT_ONCE = 8
"""Objects that are fetched at the same time."""
SAVE_EVERY = 5.0
"""Seconds after which what both sides have in common is noted again; a kill costs that much sending."""


class Mirror:
    """One episode: its working folder, and its objects."""

    def __init__(self, root: Path, objects: Objects, notes: Path) -> None:
        """`notes` is the file beside the folder that remembers what both sides have in common."""
        self.root = root
        self.objects = objects
        self._notes = notes
        self._state = read_state(notes)
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
            there = {name: row for name, row in self.objects.list().items() if not is_own(name)}
            if owner:
                self._drop_half_takes(there, ours)
            here = dict(self._here())
            wanted = [name for name in there if self._differs(name, there[name], here.get(name), ours)]
            for name in here.keys() - there.keys():
                if not (ours and self._is_newer(name, here[name])):
                    self._drop_here(name)
            self._fetch(wanted, there)
            self._save()

    def pull_edits(self) -> None:
        """Fetch what people changed meanwhile; what this machine could not send of its own gives way."""
        with self._lock:
            self._reread()
            there = {name: row for name, row in self.objects.list().items() if not is_own(name)}
            here = {name: look for name, look in self._here() if is_of_people(name)}
            self._fetch([n for n in there if is_of_people(n) and not self._is_same(n, there[n])], there)
            for name in here.keys() - there.keys():
                self._drop_here(name)
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
        if not ours or is_edit(name):
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
        records = sorted(name for name in wanted if is_record(name))
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
        takes = {name.rpartition("/")[0] for name in there if is_take_file(name)}
        for take in sorted(takes):
            if f"{take}/take.json" in there or (ours and (self.root / take / "take.json").is_file()):
                continue
            for name in [name for name in there if name.startswith(f"{take}/")]:
                self.objects.remove(name)
                del there[name]

    # up

    def end(self) -> None:
        """Note that the folder is no longer worked on under a hold."""
        self._owner = False

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

    # both

    def in_store(self) -> bool:
        """Tell whether the store has anything of the episode."""
        return any(not is_own(name) for name in self.objects.list())

    def forget(self) -> None:
        """Forget what both sides had in common: one of them has nothing any more."""
        self._state = MirrorState()

    def differences(self) -> tuple[set[str], set[str]]:
        """Return the files that changed here, and those that changed in the store, since both were alike."""
        here = {name for name, _ in self._here()}
        there = {name: row for name, row in self.objects.list().items() if not is_own(name)}
        known = self._state.files
        gone = known.keys() - here - self.pending.keys()
        changed = {name for name in here if self._changed(name)} | gone
        tags = {name: row.tag for name, row in there.items()}
        return changed, {
            n for n in tags.keys() | known.keys() if n not in known or known[n].tag != tags.get(n)
        }

    def replace_store(self) -> None:
        """Make the store what the folder is, and never show a record there without its files."""
        with self._lock:
            self.before_writing()
            here = {name for name, _ in self._here()}
            there = {name: row for name, row in self.objects.list().items() if not is_own(name)}
            wrong = sorted(n for n in here if n not in there or not self._is_same(n, there[n]))
            gone = there.keys() - here
            for name in sorted(gone | set(wrong), key=lambda name: (not is_record(name), name)):
                if name in gone or is_record(name):
                    self._drop_there(name)
            for name in sorted(wrong, key=lambda name: (is_record(name), name)):
                self._send(name)
            self._save()

    # one file

    def push_file(self, name: str) -> None:
        """Send one file that a person changed; one of this machine alone stays here."""
        if is_own(name):
            return
        with self._lock:
            self._reread()
            self.before_writing()
            self._send(name)
            self._save()

    def push_edits(self) -> None:
        """Send what people changed: the edits first, then the log that tells of them."""
        with self._lock:
            self.before_writing()
            changed = [name for name, _ in self._here() if is_edit(name) and self._changed(name)]
            for name in sorted(changed, key=lambda name: (name.endswith(".jsonl"), name)):
                self._send(name)
            self._save()

    def push(self) -> None:
        """Send everything that is different here, and remove from the store what is gone here."""
        with self._lock:
            here = dict(self._here())
            gone = [n for n in self._state.files if n not in here and n not in self.pending]
            changed = [name for name in here if self._changed(name)]
            changed = self._not_overtaken(changed)
            if not gone and not changed:
                return
            self.before_writing()
            for name in (name for name in gone if is_record(name)):
                self._drop_there(name)
            for name in sorted(changed, key=lambda name: (is_record(name), name)):
                self._send(name)
            for name in (name for name in gone if not is_record(name)):
                self._drop_there(name)
            self._save()

    def _not_overtaken(self, changed: list[str]) -> list[str]:
        """Leave out edits that somebody elsewhere has changed since this machine last saw them."""
        if not any(is_edit(name) for name in changed):
            return changed
        there, known = self.objects.list(), self._state.files
        tags = {name: known[name].tag if name in known else "" for name in changed}
        return [n for n in changed if not is_edit(n) or n not in there or there[n].tag == tags[n]]

    def _is_same(self, name: str, listed: Listed) -> bool:
        """Tell whether a file is what the store lists, as far as both are known."""
        same = self._state.files.get(name)
        there = (self.root / name).is_file()
        return same is not None and same.tag == listed.tag and there and not self._changed(name)

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
            before = look_at(path)
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
            if not is_own(name) and not path.name.startswith(".") and path.is_file():
                with suppress(FileNotFoundError):
                    yield name, look_at(path)

    def _remember(self, name: str, tag: str) -> None:
        look = look_at(self.root / name)
        self._state.files[name] = Same(look.size, look.mtime_ns, tag)

    def _reread(self) -> None:
        """Take over what other processes of this machine have noted, except in a run, which knows best."""
        if not self._owner:
            self._state = read_state(self._notes)

    def _save(self) -> None:
        self._notes.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._notes.with_name(f".{new_token()}.json")
        temporary.write_bytes(canonical(self._state))
        temporary.replace(self._notes)
        self._saved = time.monotonic()
