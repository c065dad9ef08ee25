"""Records of an episode: what each item of a stage was made from, and the JSON that they are written in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from dubkit.types import Remark, remark

T = TypeVar("T")


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


CHOSEN = "chosen by speak.provider"
"""What earlier versions noted as a fall-back where a person had chosen the voice engine."""


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
    a note on memory. Of measures: the digest of what the report shows.
    """
    degraded: tuple[str, ...] = ()
    """Fall-backs, as earlier versions noted them; `remarks` is used now."""
    error: str = ""
    """Why the item failed; empty when it is done."""
    remarks: tuple[Remark, ...] = ()

    @property
    def said(self) -> tuple[Remark, ...]:
        """All remarks, with those that records of earlier versions keep as sentences."""
        return (*(self._earlier(note) for note in self.degraded), *self.remarks)

    def _earlier(self, note: str) -> Remark:
        """Return a sentence of an earlier version as a remark; one about the item began with its id."""
        item, _, rest = note.partition(" ")
        if note == CHOSEN:
            return remark("voice-chosen", "The voice engine was chosen by speak.provider.")
        if rest and item == self.item:
            return remark("fall-back", rest[0].upper() + rest[1:], item)
        return remark("fall-back", note)

    def file(self, name: str) -> FileRef | None:
        """Return the file of that name, if the item is done and has one."""
        files = self.files if not self.error else ()
        return next((ref for ref in files if ref.path.endswith(f"/{name}")), None)


def in_takes(ref: FileRef) -> bool:
    """Tell whether a file is part of a take: takes stay."""
    return "takes" in ref.path.split("/")[:-1]


TOLD = "series: "
"""Begins the names of inputs that a series tells in plain words: a reason to run shows what changed."""


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
            told = f"{name} {_shown(old.inputs.get(name))} → {_shown(new.inputs.get(name))}"
            return told if name.startswith(TOLD) else f"input changed: {name}"
    return "key changed"


def _shown(value: Any) -> str:
    text = "nothing" if value is None else value if isinstance(value, str) else canonical(value).decode()
    return text if len(text) <= 40 else text[:39] + "…"
