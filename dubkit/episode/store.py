"""The episode folder: the only code that computes keys or writes below `Output/`.

An artifact is written under a temporary name, synced and renamed: a file that exists is whole.
Each finished item of a stage leaves a `Record` with its key and the parts the key was made from, so
that `dubkit plan` can name the one reason why an item would run again. Inputs enter a key by the
SHA-256 of their content: an upstream stage that runs again with the same result stops there.

    Output/<stem>/
      episode.json audio.wav …          shared artifacts
      edits.json                        hand edits, never written by a stage
      edits.jsonl                       what was changed when, and by whom; it only grows
      pt-BR/translation.json …          artifacts of one language, with an edits.json of its own
      .dubkit/items/<scope>/<stage>/    one record per item; scope is a language or `shared`
      .dubkit/tmp/                      half-written files; emptied by the next run
      .dubkit/history.jsonl             when things ran and how long they took; nothing depends on it
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from dubkit.episode.records import (
    FileRef,
    Parts,
    Record,
    canonical,
    decode_json,
    digest,
    file_digest,
    in_takes,
    pretty,
    reason_to_run,
)
from dubkit.errors import ArtifactDamaged, DiskFull

__all__ = [
    "HIDDEN",
    "SHARED",
    "EpisodeStore",
    "FileRef",
    "Parts",
    "Record",
    "canonical",
    "decode_json",
    "digest",
    "disk_full_is_clear",
    "file_digest",
    "fitting_name",
    "pretty",
    "read_json",
    "reason_to_run",
]

T = TypeVar("T")
SHARED = "shared"
HIDDEN = ".dubkit"


class EpisodeStore:
    """Reads and writes one episode folder. Writing needs the episode's lock (`dubkit.episode.folders`)."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.set_aside: list[tuple[str, str]] = []
        """Files that were kept under another name, and that name, in order."""

    # reading

    def path(self, relative: str, language: str = "") -> Path:
        """Where an artifact lies, of one language or (empty) shared."""
        return self.root / language / relative if language else self.root / relative

    def has(self, relative: str, language: str = "") -> bool:
        """Tell whether an artifact is there."""
        return self.path(relative, language).is_file()

    def read(self, relative: str, kind: type[T], language: str = "") -> T:
        """Read and validate a JSON artifact. Raises ArtifactDamaged naming file, field and cure."""
        path = self.path(relative, language)
        return read_json(path, kind, cure="Delete the file and run again to rebuild it, or mend it by hand.")

    def artifact_digest(self, relative: str, language: str = "") -> str:
        """SHA-256 of an artifact as it is on disk now."""
        return file_digest(self.path(relative, language))

    def record(self, stage: str, item: str, language: str = "") -> Record | None:
        """Return the record of an item; one that cannot be read counts as none."""
        try:
            return decode_json(self._record_path(stage, item, language).read_bytes(), Record)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def record_stamp(self, stage: str, item: str, language: str = "") -> tuple[int, ...]:
        """Return what changes whenever the record of an item is written; empty where there is none."""
        try:
            found = self._record_path(stage, item, language).stat()
        except FileNotFoundError:
            return ()
        return found.st_ino, found.st_mtime_ns, found.st_size

    def records(self, stage: str, language: str = "") -> dict[str, Record]:
        """Return all records of a stage by item."""
        folder = self._record_path(stage, "x", language).parent
        names = sorted(p.stem for p in folder.glob("*.json")) if folder.is_dir() else []
        pairs = ((name, self.record(stage, name, language)) for name in names)
        return {name: record for name, record in pairs if record is not None}

    def records_of(self, item: str, language: str = "") -> list[Record]:
        """Return the records of an item in every stage."""
        stages = sorted((self.root / HIDDEN / "items" / (language or SHARED)).glob("*"))
        found = (self.record(stage.name, item, language) for stage in stages)
        return [record for record in found if record is not None]

    def whole(self, files: Iterable[FileRef]) -> bool:
        """Tell whether every file is there with its recorded size.

        JSON may have another size: a person may have changed it, and it is validated when it is read.
        """
        for ref in files:
            try:
                size = (self.root / ref.path).stat().st_size
            except OSError:
                return False
            if size != ref.size and not ref.path.endswith(".json"):
                return False
        return True

    # writing

    @contextmanager
    def writing(self, relative: str, language: str = "", *, beside: bool = False) -> Iterator[Path]:
        """Give a temporary path with the right suffix; when the block ends well it becomes the artifact.

        A writer without the lock writes `beside` the artifact: a run that begins removes half-written files
        from the common place.
        """
        target = self.path(relative, language)
        temporary = self._temporary(target.name, target.parent if beside else None)
        try:
            with disk_full_is_clear(target):
                yield temporary
                target.parent.mkdir(parents=True, exist_ok=True)
                _sync(temporary)
                os.replace(temporary, target)
                _sync(target.parent)
        finally:
            temporary.unlink(missing_ok=True)

    def write_json(self, relative: str, value: Any, language: str = "") -> None:
        """Write a JSON artifact for people and programs."""
        self.write_bytes(relative, pretty(value), language)

    def write_bytes(self, relative: str, raw: bytes, language: str = "") -> None:
        """Write a small artifact."""
        with self.writing(relative, language) as temporary:
            temporary.write_bytes(raw)

    def drop(self, relative: str, language: str = "") -> None:
        """Remove a small artifact that nothing reads, and its folder where it was the last one there."""
        path = self.path(relative, language)
        path.unlink(missing_ok=True)
        with suppress(OSError):  # other files are there, or it is the folder of the language
            path.parent.rmdir()

    def replace_folder(
        self, relative: str, source: Path | None, suffixes: Sequence[str], language: str = ""
    ) -> None:
        """Bring a folder to the files of `source` that have some suffixes; without a source it goes."""
        target = self.path(relative, language)
        with self.scratch() as scratch, disk_full_is_clear(target):
            fresh, old = scratch / "fresh", scratch / "old"
            fresh.mkdir()
            for file in sorted(source.iterdir()) if source is not None else ():
                if file.is_file() and file.suffix.lower() in suffixes:
                    shutil.copyfile(file, fresh / file.name)
            if target.is_dir():
                os.rename(target, old)
            if source is not None:
                target.parent.mkdir(parents=True, exist_ok=True)
                os.rename(fresh, target)

    def ref(self, relative: str, language: str = "") -> FileRef:
        """Describe an artifact that was just written."""
        path = self.path(relative, language)
        return FileRef(path.relative_to(self.root).as_posix(), path.stat().st_size, file_digest(path))

    def save_record(self, record: Record, language: str = "") -> None:
        """Write the record of an item. Files that it had before and has no more are taken away.

        A failed item keeps the list of what it wrote before, so that its next result can replace all of it.
        """
        before = self.record(record.parts.stage, record.item, language)
        old = [ref for ref in before.files if not in_takes(ref)] if before else []
        if record.error:
            record = replace(record, files=tuple(old))
        path = self._record_path(record.parts.stage, record.item, language)
        with self.writing(path.relative_to(self.root).as_posix()) as temporary:
            temporary.write_bytes(canonical(record))
        self._take_away(old, {ref.path for ref in record.files})

    def forget(self, stage: str, item: str, language: str = "") -> None:
        """Drop the record and the files of an item that no longer exists; its takes stay."""
        before = self.record(stage, item, language)
        self._record_path(stage, item, language).unlink(missing_ok=True)
        self._take_away([ref for ref in before.files if not in_takes(ref)] if before else [], set())

    def withdraw(self, record: Record, language: str = "") -> None:
        """Take away the files of an item that hold no longer; why it failed is kept."""
        self.forget(record.parts.stage, record.item, language)
        if record.error:
            self.save_record(replace(record, files=()), language)

    def _take_away(self, old: Sequence[FileRef], kept: set[str]) -> None:
        """Remove files that no result has any more; what a person changed is kept under another name."""
        gone = [ref for ref in old if ref.path not in kept and (self.root / ref.path).is_file()]
        if not gone:
            return
        claimed = self._claimed()
        for ref in gone:
            if ref.path in claimed:
                continue
            path = self.root / ref.path
            if file_digest(path) != ref.sha256:
                self.keep_aside(ref.path)
            path.unlink()

    def _claimed(self) -> set[str]:
        """Return the files of all records."""
        claimed: set[str] = set()
        for path in (self.root / HIDDEN / "items").glob("*/*/*.json"):
            try:
                claimed |= {ref.path for ref in decode_json(path.read_bytes(), Record).files}
            except (OSError, msgspec.DecodeError):
                continue
        return claimed

    def changed_by_hand(self, record: Record) -> tuple[FileRef, ...]:
        """Return the JSON files of an item that are not as the stage wrote them."""
        return tuple(
            ref
            for ref in record.files
            if ref.path.endswith(".json")
            and (self.root / ref.path).is_file()
            and file_digest(self.root / ref.path) != ref.sha256
        )

    def keep_aside(self, relative: str, language: str = "") -> Path:
        """Copy an artifact that was changed by hand before it is replaced; return where it is kept."""
        path = self.path(relative, language)
        copy = path.with_name(f"{path.stem}.hand-{file_digest(path)[:8]}{path.suffix}")
        with self.writing(copy.relative_to(self.root).as_posix()) as temporary:
            shutil.copyfile(path, temporary)
        self.set_aside.append((path.relative_to(self.root).as_posix(), copy.name))
        return copy

    def write_by_hand(self, relative: str, value: Any, language: str = "") -> None:
        """Write what a person changed. Needs no lock of the episode: a run that begins leaves it alone."""
        with self.writing(relative, language, beside=True) as temporary:
            temporary.write_bytes(pretty(value))

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give a folder on the episode's disk for passing files; after a kill `clean` removes it."""
        folder = self._temporary("scratch")
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with disk_full_is_clear(folder):
                yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def clean(self) -> None:
        """Remove what a killed run left half-written. Call it under the lock."""
        shutil.rmtree(self.root / HIDDEN / "tmp", ignore_errors=True)

    def note(self, event: Mapping[str, Any]) -> None:
        """Append one event to the history (times, versions); nothing is ever decided from it."""
        path = self.root / HIDDEN / "history.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with disk_full_is_clear(path), path.open("ab") as stream:
            stream.write(canonical(event) + b"\n")

    @contextmanager
    def holding(self, *, wait: bool, on_wait: Callable[[str], None]) -> Iterator[None]:
        """Hold the episode wherever else it is kept, beyond this folder; a plain folder is nowhere else."""
        yield

    @contextmanager
    def editing(self) -> Iterator[None]:
        """Hold what people change, so that one change comes after the other. Needs no lock of the episode."""
        from filelock import FileLock

        hidden = self.root / HIDDEN
        hidden.mkdir(parents=True, exist_ok=True)
        with FileLock(hidden / "edits.lock"):
            yield

    def shown(self, path: Path) -> str:
        """Return how people find a file or folder of the episode."""
        return str(path)

    # takes

    def adopt_take(self, item: str, key: str, language: str) -> Record | None:
        """Find a finished take of `item` that was made with `key`: it is used again, not made again."""
        for folder in reversed(self.take_folders(item, language)):
            try:
                record = decode_json((folder / "take.json").read_bytes(), Record)
            except (FileNotFoundError, msgspec.DecodeError):
                continue
            if record.key == key and not record.error and self.whole(record.files):
                return record
        return None

    def take_record(self, take: str, language: str) -> Record | None:
        """Return what is recorded in a take, such as `s0003/v002`; None when it is missing or incomplete."""
        try:
            record = decode_json((self.path(f"takes/{take}", language) / "take.json").read_bytes(), Record)
        except (OSError, msgspec.DecodeError):
            return None
        return record if self.whole(record.files) else None

    def take_folders(self, item: str, language: str) -> list[Path]:
        """Folders of the takes of an item, oldest first."""
        parent = self.path(f"takes/{item}", language)
        return sorted(parent.glob("v[0-9]*")) if parent.is_dir() else []

    @contextmanager
    def new_take(self, item: str, language: str) -> Iterator[tuple[Path, str]]:
        """Give a temporary folder and the relative name it gets when the block ends well.

        The folder appears whole or not at all; takes are never overwritten.
        """
        folders = self.take_folders(item, language)
        number = int(folders[-1].name[1:]) + 1 if folders else 1
        target = self.path(f"takes/{item}/v{number:03d}", language)
        temporary = self._temporary(target.name)
        temporary.mkdir(parents=True)
        try:
            with disk_full_is_clear(target):
                yield temporary, target.relative_to(self.root).as_posix()
                for file in temporary.iterdir():
                    _sync(file)
                _sync(temporary)
                target.parent.mkdir(parents=True, exist_ok=True)
                os.rename(temporary, target)
                _sync(target.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    # inside

    def _record_path(self, stage: str, item: str, language: str) -> Path:
        return self.root / HIDDEN / "items" / (language or SHARED) / stage / f"{item}.json"

    def _temporary(self, name: str, folder: Path | None = None) -> Path:
        folder = folder or self.root / HIDDEN / "tmp"
        with disk_full_is_clear(folder):
            folder.mkdir(parents=True, exist_ok=True)
        # One thread may write two artifacts of one name at once, in different folders, so the name of each
        # temporary file is its own; the suffix stays because encoders choose by it.
        begin = fitting_name(name.removesuffix(suffix := Path(name).suffix))
        return folder / f".{os.getpid()}-{secrets.token_hex(8)}-{begin}{suffix}"


NAME_BYTES = 180
"""The most that a name of an artifact takes of the 255 bytes that file systems give it."""


def fitting_name(name: str) -> str:
    """Cut a name so that it fits with what dubkit adds to it."""
    while len(name.encode("utf-8", "surrogateescape")) > NAME_BYTES:
        name = name[:-1]
    return name


def read_json(path: Path, kind: type[T], *, cure: str) -> T:
    """Read and validate a JSON file. Raises ArtifactDamaged naming file, field and cure."""
    try:
        return decode_json(path.read_bytes(), kind)
    except FileNotFoundError:
        raise ArtifactDamaged(path, "", "the file is not there", cure) from None
    except (msgspec.DecodeError, ValueError, ZeroDivisionError) as error:
        problem, _, place = str(error).partition(" - at ")
        raise ArtifactDamaged(path, place.strip("`"), problem, cure) from None


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        # Some network file systems cannot sync a folder; the rename itself is still atomic there.
    finally:
        os.close(descriptor)


@contextmanager
def disk_full_is_clear(target: Path) -> Iterator[None]:
    """Turn "no space left", however a library words it, into DiskFull."""
    try:
        yield
    except DiskFull:
        raise
    except Exception as error:
        if _is_disk_full(error, target):
            raise DiskFull(target) from error
        raise


def _is_disk_full(error: Exception, target: Path) -> bool:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    folder = next(parent for parent in target.parents if parent.exists())
    # libsndfile and encoders only say "system error": the disk itself knows.
    return shutil.disk_usage(folder).free < 64 * 1024 and not isinstance(error, msgspec.DecodeError)
