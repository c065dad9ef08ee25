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
import hashlib
import os
import shutil
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from dubkit.errors import ArtifactDamaged, DiskFull

T = TypeVar("T")
SHARED = "shared"
HIDDEN = ".dubkit"


# --- canonical JSON and keys ------------------------------------------------------------------


def _encode(value: Any) -> Any:
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _decode(kind: type, value: Any) -> Any:
    if kind is Fraction:
        return Fraction(value)
    raise TypeError(f"{kind.__name__} has no JSON form")


def canonical(value: Any) -> bytes:
    """Return `value` as JSON with sorted keys and no blanks: the same value gives the same bytes."""
    return msgspec.json.encode(value, enc_hook=_encode, order="sorted")


def pretty(value: Any) -> bytes:
    """Return `value` as JSON for people: indented, fields in declared order, a newline at the end."""
    return msgspec.json.format(msgspec.json.encode(value, enc_hook=_encode), indent=2) + b"\n"


def decode_json(raw: bytes, kind: type[T]) -> T:
    """Read JSON as `kind`; raises msgspec.DecodeError with the field when it does not fit."""
    return msgspec.json.decode(raw, type=kind, dec_hook=_decode)


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of `value`, as hex."""
    return hashlib.sha256(canonical(value)).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of the bytes of a file, as hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


# --- records ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything the key of an item is made from."""

    stage: str
    version: int
    settings: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    """Name of an input -> SHA-256 of its content."""
    edits: dict[str, Any] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)
    """Role -> identity of the model that does the work."""

    @property
    def key(self) -> str:
        """SHA-256 over all parts."""
        return digest(self)


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file an item wrote, relative to the episode folder."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Record:
    """What is known about a finished or failed item."""

    item: str
    key: str
    parts: Parts
    files: tuple[FileRef, ...] = ()
    value: Any = None
    """The item's result as plain JSON, in the form of its stage; None where the files hold all of it.

    Of a take: its `SpokenLine` or `DubbedClip`. Of an item that an artifact is assembled from: its part, such
    as a line with its counts of tokens. Of lines that were listened to: line -> the words heard. Of latents:
    a note on memory.
    """
    degraded: tuple[str, ...] = ()
    error: str = ""
    """Why the item failed; empty when it is done."""

    def file(self, name: str) -> FileRef | None:
        """Return the file of that name, if the item is done and has one."""
        files = self.files if not self.error else ()
        return next((ref for ref in files if ref.path.endswith(f"/{name}")), None)


def reason_to_run(record: Record | None, parts: Parts, *, forced: bool, files_whole: bool) -> str:
    """Name the one reason why an item must run; empty when its result still stands."""
    if record is None:
        return "missing"
    if record.error:
        return f"failed before: {record.error.splitlines()[0]}"
    if forced:
        return "forced"
    if not files_whole:
        return "damaged or deleted: " + ", ".join(ref.path for ref in record.files)
    if record.key == parts.key:
        return ""
    return _difference(record.parts, parts)


def _difference(old: Parts, new: Parts) -> str:
    if old.version != new.version:
        return f"stage version {old.version} → {new.version}"
    for kind, before, after in (
        ("edited", old.edits, new.edits),
        ("setting changed", old.settings, new.settings),
        ("model changed", old.models, new.models),
    ):
        for name in sorted(before.keys() | after.keys()):
            if before.get(name) != after.get(name):
                return f"{kind}: {name} {_shown(before.get(name))} → {_shown(after.get(name))}"
    for name in sorted(old.inputs.keys() | new.inputs.keys()):
        if old.inputs.get(name) != new.inputs.get(name):
            return f"input changed: {name}"
    return "key changed"


def _shown(value: Any) -> str:
    text = "nothing" if value is None else value if isinstance(value, str) else canonical(value).decode()
    return text if len(text) <= 40 else text[:39] + "…"


# --- the folder -------------------------------------------------------------------------------


class EpisodeStore:
    """Reads and writes one episode folder. Writing needs the episode's lock (`dubkit.episode.folders`)."""

    def __init__(self, root: Path) -> None:
        self.root = root

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

    def records(self, stage: str, language: str = "") -> dict[str, Record]:
        """Return all records of a stage by item."""
        folder = self._record_path(stage, "x", language).parent
        names = sorted(p.stem for p in folder.glob("*.json")) if folder.is_dir() else []
        pairs = ((name, self.record(stage, name, language)) for name in names)
        return {name: record for name, record in pairs if record is not None}

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

    def ref(self, relative: str, language: str = "") -> FileRef:
        """Describe an artifact that was just written."""
        path = self.path(relative, language)
        return FileRef(path.relative_to(self.root).as_posix(), path.stat().st_size, file_digest(path))

    def save_record(self, record: Record, language: str = "") -> None:
        """Write the record of an item."""
        path = self._record_path(record.parts.stage, record.item, language)
        with self.writing(path.relative_to(self.root).as_posix()) as temporary:
            temporary.write_bytes(canonical(record))

    def forget(self, stage: str, item: str, language: str = "") -> None:
        """Drop the record of an item that no longer exists; its files and takes stay."""
        self._record_path(stage, item, language).unlink(missing_ok=True)

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
        # Process and thread keep two writers apart; the suffix stays because encoders choose by it.
        return folder / f".{os.getpid()}-{threading.get_ident()}-{name}"


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
