"""The people of a series on disk: one folder each, changed by one program at a time.

    series/people/
      p3fa94c/person.json      what is known of a person
      p3fa94c/<hash>.wav       pieces of their speech; pictures of their face likewise
      history.jsonl            what was changed when, and by whom; it only grows
      pending.json             a change that is being made: whoever comes next finishes it
    series/people.lock         held while something is changed

Delete the folder `people` and the series knows nobody; the next run of each episode enrols them again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec

from dubkit.errors import ArtifactDamaged, PlaceError
from dubkit.series.people.person import Entry, Person, PersonChange, changed

T = TypeVar("T")

FOLDER = "people"
PERSON, HISTORY, PENDING = "person.json", "history.jsonl", "pending.json"
CURE = "Mend it by hand, or delete its folder: the next run of its episodes enrols the person again."
HISTORY_CURE = "Mend the line by hand, or delete the file: only what could be undone is lost."
PENDING_CURE = "Delete the file: the change that it holds is lost, and the people stay as they are."


@dataclass(frozen=True, slots=True)
class Draft:
    """An act as it is asked for."""

    action: str
    sentence: str
    changes: Sequence[PersonChange]
    undoes: int = 0


@dataclass(frozen=True, slots=True)
class _Pending:
    """A change that is being made."""

    entry: Entry
    people: Mapping[str, Person | None]
    """Id -> the person afterwards; None for one of whom nothing is left."""
    donors: tuple[str, ...] = field(default_factory=tuple)
    """People whose folders may hold the files that others get."""


class PeopleBook:
    """Reads and changes the people of a series."""

    def __init__(self, data: Path) -> None:
        """Take the folder where a series keeps what it learned; it may not be there yet."""
        self.root = data / FOLDER
        self._lock = data / f"{FOLDER}.lock"

    # reading

    def people(self) -> dict[str, Person]:
        """Return everybody by id. Raises ArtifactDamaged for a file that cannot be read."""
        folders = sorted(path for path in self.root.glob(f"*/{PERSON}"))
        people = {path.parent.name: _read(path, Person, CURE) for path in folders}
        pending = self._pending()
        for name, person in pending.people.items() if pending else ():
            people.pop(name, None)
            if person is not None:
                people[name] = person
        return dict(sorted(people.items()))

    def history(self) -> list[Entry]:
        """Return all that was changed, in order."""
        path = self.root / HISTORY
        lines = path.read_bytes().splitlines() if path.is_file() else []
        entries = []
        for number, line in enumerate(lines, 1):
            try:
                entries.append(msgspec.json.decode(line, type=Entry))
            except (msgspec.DecodeError, ValueError) as error:
                raise ArtifactDamaged(path, f"line {number}", str(error), HISTORY_CURE) from None
        pending = self._pending()
        if pending and all(entry.number != pending.entry.number for entry in entries):
            entries.append(pending.entry)
        return entries

    def file(self, person: str, name: str) -> Path:
        """Return a file of a person."""
        return self.root / person / name

    # changing

    def change(
        self,
        who: str,
        make: Callable[[Mapping[str, Person], Sequence[Entry]], Draft],
        files: Mapping[str, Path] | None = None,
    ) -> Entry | None:
        """Make the changes that `make` asks for, from people and history as they are now.

        `files` are new files that sightings name: name -> where it is now. Returns None where nothing
        changes. A program that is killed on the way leaves the change whole or not made.
        """
        with self._held():
            people, history = self.people(), self.history()
            draft = make(people, history)
            after, made = changed(people, draft.changes)
            if not made:
                return None
            number = history[-1].number + 1 if history else 1
            entry = Entry(number, time.time(), who, draft.action, draft.sentence, made, draft.undoes)
            touched = sorted({change.person for change in made})
            pending = _Pending(entry, {name: after.get(name) for name in touched}, tuple(people))
            for name in touched:
                self._bring_files(pending, name, files or {})
            _write(self.root / PENDING, _pretty(pending))
            self._finish(pending)
            return entry

    @contextmanager
    def _held(self) -> Iterator[None]:
        from filelock import FileLock

        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PlaceError(
                f"{self.root}: the people of the series cannot be kept there "
                f"({(error.strerror or str(error)).lower()}).\n"
                "Make it a folder that you may write to, or run with --voice-memory off."
            ) from None
        with FileLock(self._lock):
            pending = self._pending()
            if pending is not None:
                self._finish(pending)
            yield

    def _pending(self) -> _Pending | None:
        path = self.root / PENDING
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            return None
        return _decoded(path, raw, _Pending, PENDING_CURE)

    def _finish(self, pending: _Pending) -> None:
        """Write what a change made of everybody; doing it twice changes nothing."""
        for name, person in pending.people.items():
            if person is not None:
                _write(self.root / name / PERSON, _pretty(person))
        self._note(pending.entry)
        for name, person in pending.people.items():
            folder, kept = self.root / name, {PERSON, *(person.files if person else ())}
            for file in folder.iterdir() if folder.is_dir() else ():
                if person is None or file.name not in kept:
                    file.unlink(missing_ok=True)
            if person is None and folder.is_dir():
                folder.rmdir()
        (self.root / PENDING).unlink(missing_ok=True)

    def _bring_files(self, pending: _Pending, name: str, files: Mapping[str, Path]) -> None:
        """Copy the files that a person gets, from where they are given or from whoever has them."""
        person = pending.people[name]
        for file in sorted(person.files) if person else ():
            target = self.file(name, file)
            others = (self.file(donor, file) for donor in pending.donors)
            given = files.get(file) or next((path for path in others if path.is_file()), None)
            if not target.is_file() and given is not None:
                _copy(given, target)

    def _note(self, entry: Entry) -> None:
        path = self.root / HISTORY
        raw = path.read_bytes() if path.is_file() else b""
        whole = raw[: raw.rfind(b"\n") + 1]
        last = whole.splitlines()[-1:] if whole else []
        if last and msgspec.json.decode(last[0], type=Entry).number >= entry.number:
            return
        _write(path, whole + msgspec.json.encode(entry) + b"\n")


def content_name(path: Path) -> str:
    """Return the name of a file in a person's folder: by its content, so that two are never mixed up."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:16] + path.suffix


def _pretty(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"


def _read(path: Path, kind: type[T], cure: str) -> T:
    return _decoded(path, path.read_bytes(), kind, cure)


def _decoded(path: Path, raw: bytes, kind: type[T], cure: str) -> T:
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, ValueError) as error:
        raise ArtifactDamaged(path, "", str(error), cure) from None


def _write(path: Path, raw: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    with temporary.open("wb") as stream:
        stream.write(raw)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, path)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.part")
    shutil.copyfile(source, temporary)
    os.replace(temporary, target)
