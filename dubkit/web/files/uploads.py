"""Resumable uploads: they survive a lost connection and a restart of the server.

    <inputs>/.uploads/<id>.part     the bytes received so far; its size is the offset
    <inputs>/.uploads/<id>.json     its owner, name and full size
    <inputs>/<name>                 where it goes when it is complete and is media

A name from a client is never used as a path: it is cleaned, and no existing file is overwritten.
"""

from __future__ import annotations

import os
import re
import secrets
import shlex
import shutil
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import msgspec
from filelock import FileLock, Timeout

from dubkit.episode.store import canonical, decode_json, file_digest
from dubkit.errors import DubkitError, MediaError
from dubkit.media.files.suffixes import MEDIA
from dubkit.web.accounts.input_readers import claim_input, forget_input, readers_of_input
from dubkit.web.accounts.people import Person
from dubkit.web.database import Database

FOLDER = ".uploads"
KEPT_SECONDS = 7 * 24 * 3600
"""Age after which an upload that was not continued is removed."""

MOST_UNFINISHED = 200
"""Unfinished uploads that one person may have."""

_ROOM = 256 * 1024**2
"""Bytes to keep free on the disk."""
_ID = re.compile(r"[0-9a-f]{24}")
_UNSAFE = re.compile(r'[<>:"/\\|?*]')
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)
_LONGEST_STEM = 150
_PIECES = (".json", ".part", ".lock", ".new")


class UploadError(DubkitError):
    """An upload is refused; `status` is the HTTP status of the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload, as stored beside its bytes."""

    id: str
    name: str
    """Clean file name that it gets when it is complete."""
    size: int
    """Bytes of the complete file."""
    owner: str
    created: float
    """Seconds since 1970."""
    file: str = ""
    """Name below the input folder; empty until it is complete and known to be media."""
    claimed: bool = False
    """True when the database knows whose the file is; earlier versions did not note it there."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """A media file below the input folder."""

    name: str
    """Relative to the input folder, with `/`."""
    size: int
    modified: float
    """Seconds since 1970."""


class Uploads:
    """The uploads below one input folder."""

    def __init__(self, inputs: Path, largest: int, database: Database) -> None:
        self.inputs = inputs
        self.folder = inputs / FOLDER
        self.largest = largest
        """Bytes of the largest upload."""
        self._database = database

    # looking

    def get(self, upload: str, person: Person) -> Upload:
        """Return an upload. Raises UploadError 404 for a missing one and for one of somebody else."""
        record = self._read(upload) if _ID.fullmatch(upload) else None
        if record is None or not (record.owner == person.name or person.may("admin")):
            raise UploadError(404, "There is no such upload, or it has expired. Start it again.")
        return record

    def offset(self, upload: Upload) -> int:
        """Return how many bytes have been received."""
        if upload.file:
            return upload.size
        try:
            return self.part(upload).stat().st_size
        except FileNotFoundError:
            return 0

    def expires(self, upload: Upload) -> float:
        """Return when the upload is removed unless more of it comes, in seconds since 1970."""
        return self._touched(self._note(upload.id)) + KEPT_SECONDS

    def announced(self, person: Person) -> int:
        """Return how many bytes the unfinished uploads of a person will have."""
        if not self.folder.is_dir():
            return 0
        return sum(one.size for one in self._all() if one.owner == person.name and not one.file)

    def part(self, upload: Upload) -> Path:
        """Return the file with the bytes of an unfinished upload."""
        return self.folder / f"{upload.id}.part"

    # changing

    def create(self, sent_name: str, size: int, person: Person) -> Upload:
        """Begin an upload. Raises UploadError: name (415), size (413), too many (429), disk space (507)."""
        name = clean_name(sent_name)
        if size > self.largest:
            largest = f"{self.largest / 1e9:g} GB"
            raise UploadError(413, f"{name} has {size / 1e9:.2f} GB; the server accepts {largest} at most.")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.sweep()
        unfinished = [one for one in self._all() if not one.file]
        if sum(one.owner == person.name for one in unfinished) >= MOST_UNFINISHED:
            raise UploadError(429, f"You have {MOST_UNFINISHED} unfinished uploads. Finish or remove some.")
        promised = sum(one.size - self.offset(one) for one in unfinished)
        free = shutil.disk_usage(self.folder).free
        if size + promised + _ROOM > free:
            raise UploadError(
                507,
                f"There is no space for {name}: it has {size / 1e9:.2f} GB, and "
                f"{max(0, free - promised - _ROOM) / 1e9:.2f} GB are free. Free some space on the server.",
            )
        upload = Upload(secrets.token_hex(12), name, size, person.name, time.time())
        self.part(upload).touch()
        self._keep(upload)
        return upload

    @contextmanager
    def held(self, upload: Upload) -> Iterator[None]:
        """Hold the lock of an upload. Raises UploadError 423 while another request has it."""
        lock = FileLock(self.folder / f"{upload.id}.lock", thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise UploadError(423, f"Another request is writing {upload.name}. Try again.") from None
        try:
            yield
        finally:
            lock.release()

    def finish(self, upload: Upload) -> Upload:
        """Move a complete upload to the inputs, unless that has been done.

        Raises UploadError 422, and removes the upload, when it is not media.
        """
        if upload.file:
            return upload
        part = self.part(upload)
        try:
            _check_media(part)
        except MediaError as error:
            self.remove(upload)
            raise UploadError(422, told_of(str(error), part, upload.name)) from error
        _settle(part)
        done = replace(upload, file=self._adopt(part, upload), claimed=True)
        self._keep(done)
        return done

    def remove(self, upload: Upload) -> None:
        """Remove an upload and what was received; a file that has become an input stays."""
        for suffix in _PIECES:
            (self.folder / f"{upload.id}{suffix}").unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove expired uploads."""
        for name in {path.stem for path in self.folder.iterdir()}:
            note = self._note(name)
            if _ID.fullmatch(name) and self._touched(note) + KEPT_SECONDS < time.time():
                for suffix in _PIECES:
                    note.with_suffix(suffix).unlink(missing_ok=True)

    def forget(self, file: str) -> None:
        """Forget the uploads that became a file which is now gone."""
        for upload in self._all():
            if upload.file == file:
                self.remove(upload)

    def claim_earlier(self) -> None:
        """Note in the database whose the finished uploads of earlier versions are."""
        for upload in self._all():
            if upload.file and not upload.claimed:
                with suppress(OSError):
                    # Older than the upload is a file that was there before, with the same content.
                    if (self.inputs / upload.file).stat().st_mtime >= upload.created:
                        claim_input(self._database, upload.file, upload.owner)
                self._keep(replace(upload, claimed=True))

    # inside

    def _adopt(self, part: Path, upload: Upload) -> str:
        """Move a complete file to the inputs, as its uploader's; return its name there.

        The same content under the same name is the same file, if the uploader may use that; other content
        gets a number.
        """
        clean = PurePosixPath(upload.name)
        number, sha = 1, ""
        # A name is somebody's before its file is there, so that nobody else sees it for a moment.
        with FileLock(self.folder / "names.lock", thread_local=False):
            while True:
                name = upload.name if number == 1 else f"{clean.stem}-{number}{clean.suffix}"
                target = self.inputs / name
                free = self._may_use(name, upload.owner) and not target.exists()
                if free:
                    claim_input(self._database, name, upload.owner)
                    if _moved(part, target):
                        return name
                    forget_input(self._database, name)  # it was put there by hand at the same moment
                sha = sha or file_digest(part)
                if self._may_use(name, upload.owner) and _is_same(target, part, sha):
                    part.unlink(missing_ok=True)
                    return name
                number += 1

    def _may_use(self, name: str, owner: str) -> bool:
        return readers_of_input(self._database, name).include(Person(owner, "editor"))

    def _note(self, upload: str) -> Path:
        return self.folder / f"{upload}.json"

    def _touched(self, note: Path) -> float:
        times = []
        for path in (note.with_suffix(suffix) for suffix in _PIECES):
            with suppress(FileNotFoundError):
                times.append(path.stat().st_mtime)
        return max(times, default=0.0)

    def _read(self, upload: str) -> Upload | None:
        try:
            return decode_json(self._note(upload).read_bytes(), Upload)
        except (OSError, msgspec.DecodeError):
            return None

    def _all(self) -> list[Upload]:
        notes = [note.stem for note in self.folder.glob("*.json") if _ID.fullmatch(note.stem)]
        return [upload for name in notes if (upload := self._read(name)) is not None]

    def _keep(self, upload: Upload) -> None:
        note = self._note(upload.id)
        half = note.with_suffix(".new")
        half.write_bytes(canonical(upload))
        os.replace(half, note)


def told_of(text: str, part: Path, name: str) -> str:
    """Return what is wrong with an upload under its own name, in commands as a shell takes it."""
    mended = f"{Path(name).stem}.mended"
    lines = []
    for line in text.splitlines():
        if line.startswith("  "):
            line = line.replace(str(part), shlex.quote(name))
            line = line.replace(f"{part.stem}.mended", shlex.quote(mended))
            line = re.sub(rf"{re.escape(part.suffix)}(?=\s|$)", Path(name).suffix, line)
        lines.append(line.replace(str(part), name))
    return "\n".join(lines)


def clean_name(sent: str) -> str:
    """Return a readable file name that is safe on every system, from the one that a client sent.

    Raises UploadError 415 when its suffix is not that of a media file.

    >>> clean_name("../../Über  mich?.MP4")
    'Über mich.mp4'
    """
    name = unicodedata.normalize("NFC", sent.encode("utf-8", "replace").decode("utf-8"))
    name = name.replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(letter for letter in name if unicodedata.category(letter)[0] != "C")
    name = " ".join(_UNSAFE.sub("", name).split())
    suffix = PurePosixPath(name).suffix.lower() if not name.startswith(".") else f".{name.rsplit('.', 1)[-1]}"
    if suffix not in MEDIA:
        raise UploadError(
            415,
            f"{name or 'The upload'} does not have the suffix of a media file. "
            f"Send one of: {', '.join(sorted(ending[1:] for ending in MEDIA))}.",
        )
    # Programs take a leading dash for an option, and a leading dot hides the file.
    stem = name[: -len(suffix)].strip(" .").lstrip("-. ")
    while len(stem.encode()) > _LONGEST_STEM:
        stem = stem[:-1]
    stem = stem.rstrip(" .") or "upload"
    return f"_{stem}{suffix}" if _DEVICES.fullmatch(stem) else f"{stem}{suffix}"


def _check_media(part: Path) -> None:
    from dubkit.media.files.probe import probe

    probe(part)


def _settle(part: Path) -> None:
    """Write the bytes to the disk before the file gets its final name."""
    with part.open("rb+") as stream:
        os.fsync(stream.fileno())


def _moved(part: Path, target: Path) -> bool:
    """Move a file to a name that nobody has; False when somebody else took it at the same moment."""
    try:
        os.link(part, target)  # unlike a rename it never replaces another file
    except FileExistsError:
        return False
    except OSError:
        # A file system without links: take the name first, then replace the empty file.
        try:
            target.open("xb").close()
        except FileExistsError:
            return False
        os.replace(part, target)
    part.unlink(missing_ok=True)
    return True


def _is_same(target: Path, part: Path, sha: str) -> bool:
    same_size = target.is_file() and target.stat().st_size == part.stat().st_size
    return same_size and file_digest(target) == sha


def input_files(inputs: Path) -> list[InputFile]:
    """List the media files below the input folder, without links and hidden folders."""
    files = []
    for folder, folders, names in os.walk(inputs):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(folder, name)
            if name.startswith(".") or path.suffix.lower() not in MEDIA or path.is_symlink():
                continue
            with suppress(OSError):
                stat = path.stat()
                relative = path.relative_to(inputs).as_posix()
                files.append(InputFile(relative, stat.st_size, stat.st_mtime))
    return files
