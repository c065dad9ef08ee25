"""A lock: everything that an episode was made from, in one file, but for the source and the models.

The file is a zip archive: `lock.json` says what belongs to the episode, `files/` has what people brought or
changed (edits, recordings, files given with `--use`, takes that were chosen), each under its SHA-256.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from dubkit import __version__
from dubkit.chain.stage import Stage
from dubkit.config import all_settings, changed_settings
from dubkit.episode.context import IMPORTS, Context, finished_languages
from dubkit.episode.recordings import FOLDER as RECORDINGS
from dubkit.episode.store import HIDDEN, SHARED, EpisodeStore, Record, decode_json, file_digest, pretty
from dubkit.errors import DubkitError
from dubkit.locking.surroundings import UsedModel, doubts, packages_here, used_models
from dubkit.studio import chain

FORMAT = "dubkit-lock"
VERSION = 1
LOCK, FILES = "lock.json", "files"
BESIDE = ("cast.toml", "consent.toml")
"""Files of people beside the source that runs read."""

PLACES = ("models.", "store.", "series.")
"""Tables of where models, episodes and series are kept, which is another place on another machine."""

EDITS = ("edits.json", "edits.jsonl", "best.json")
ANCHORS = f"{HIDDEN}/anchors.json"

TEXTS = ("translate", "adapt")
"""Stages whose results are texts, which a lock keeps: a service words them otherwise every time."""


@dataclass(frozen=True, slots=True)
class LockedSource:
    """The source, by its content."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Locked:
    """What `lock.json` holds."""

    source: LockedSource
    languages: tuple[str, ...]
    settings: dict[str, Any]
    """Settings that are not the defaults: no secrets, and none about the machine."""
    setting_files: dict[str, str] = field(default_factory=dict)
    """Setting that names a file -> SHA-256 of the file."""
    beside: dict[str, str] = field(default_factory=dict)
    """File beside the source that was read -> SHA-256."""
    series: dict[str, str] = field(default_factory=dict)
    """File of the series, below the folder of its series.toml -> SHA-256; empty without a series."""
    models: tuple[UsedModel, ...] = ()
    doubts: tuple[str, ...] = ()
    """What cannot be made again with the same bytes, or is taken from the lock, in sentences."""
    packages: dict[str, str] = field(default_factory=dict)
    """Package -> version; `python` and `machine` among them."""
    files: dict[str, str] = field(default_factory=dict)
    """File of the episode folder that people brought or changed -> SHA-256."""
    texts: dict[str, str] = field(default_factory=dict)
    """Record of a text, `pt-BR/translate/s0001` -> SHA-256 of it in `files/`."""
    keys: dict[str, str] = field(default_factory=dict)
    """Every record -> its key."""
    results: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Every record -> SHA-256 of its files."""
    dubkit: str = __version__
    format: str = FORMAT
    version: int = VERSION


def write_lock(context: Context, languages: Sequence[str], file: Path) -> Locked:
    """Write the lock of an episode in some languages, or in all that are finished; return what it holds.

    Raises DubkitError where something that belongs to the episode is missing, or a language is not finished.
    """
    store = context.store
    tags = tuple(languages) or tuple(finished_languages(context))
    if not tags:
        raise DubkitError(f"{store.root} is not dubbed yet: there is nothing to lock.\nRun it first.")
    contents: dict[str, Path] = {}
    kept = {name: _kept(contents, store.root / name) for name in _peoples_files(context, tags)}
    records = dict(lock_records(store, tags))
    texts = {
        name: _kept(contents, path) for name, (path, _) in records.items() if name.split("/")[1] in TEXTS
    }
    beside = {name: context.source.with_name(name) for name in BESIDE}
    locked = Locked(
        LockedSource(context.source.name, context.sha256, _size(context)),
        tags,
        {n: v for n, v in changed_settings(context.settings).items() if not n.startswith(PLACES)},
        dict(_setting_files(context)),
        {name: _kept(contents, path) for name, path in beside.items() if path.is_file()},
        {name: _kept(contents, path) for name, path in _series(context)},
        used_models(context, [record for _, record in records.values()]),
        tuple(d for tag in tags for d in doubts(context.fresh(tag), bool(texts))),
        packages_here(),
        kept,
        texts,
        {name: record.key for name, (_, record) in records.items()},
        {name: tuple(ref.sha256 for ref in record.files) for name, (_, record) in records.items()},
    )
    _write(file, locked, contents)
    return locked


def _size(context: Context) -> int:
    return context.source.stat().st_size if context.source.is_file() else 0


def _kept(contents: dict[str, Path], path: Path) -> str:
    """Note a file that the lock keeps; return its SHA-256."""
    sha = file_digest(path)
    contents[sha] = path
    return sha


def _peoples_files(context: Context, languages: Sequence[str]) -> Iterator[str]:
    """Yield the files of an episode that people brought or changed. Raises DubkitError where one is gone."""
    store = context.store
    folders = [IMPORTS, *(f"{tag}/{name}" for tag in languages for name in (IMPORTS, RECORDINGS))]
    names = [ANCHORS, *EDITS, *(f"{tag}/{name}" for tag in languages for name in EDITS)]
    yield from (name for name in names if store.has(name))
    for folder in folders:
        yield from _below(store, folder)
    for tag in languages:
        here = context.fresh(tag)
        if here.recordings.problems:
            line, why = next(iter(here.recordings.problems.items()))
            raise DubkitError(f"The recording of {line} in {tag} cannot be locked: {why}")
        for line, edit in here.placed.lines.items():
            for take in edit.lock.takes if edit.lock else edit.takes or ():
                if store.take_record(take, tag) is None:
                    raise DubkitError(
                        f"{line} must keep take {take}, which is missing or incomplete.\n"
                        "Choose another take, or restore the file from a backup."
                    )
                yield from _below(store, f"{tag}/takes/{take}")


def _below(store: EpisodeStore, folder: str) -> list[str]:
    root = store.path(folder)
    files = sorted(path for path in root.rglob("*") if path.is_file()) if root.is_dir() else []
    return [path.relative_to(store.root).as_posix() for path in files]


def lock_records(store: EpisodeStore, languages: Sequence[str]) -> Iterator[tuple[str, tuple[Path, Record]]]:
    """Yield the records of an episode that the chain of this installation has, by scope, stage and item."""
    for scope, stage in _scopes(languages):
        language = "" if scope == SHARED else scope
        folder = store.root / HIDDEN / "items" / scope / stage.name
        for item, record in store.records(stage.name, language).items():
            if record.key and not record.error:
                yield f"{scope}/{stage.name}/{item}", (folder / f"{item}.json", record)


def _scopes(languages: Sequence[str]) -> Iterator[tuple[str, Stage]]:
    for stage in chain().stages:
        if stage.part_of:
            continue
        if stage.scope == "episode" or stage.shared:
            yield SHARED, stage
        else:
            for tag in languages:
                yield tag, stage


def _series(context: Context) -> Iterator[tuple[str, Path]]:
    """Yield the files of an episode's series: its words, and what dubkit learned of its people."""
    series = context.series
    if series is None:
        return
    below = sorted(series.data.rglob("*")) if series.data.is_dir() else []
    for path in (series.file, *below):
        if path.is_file() and path.suffix != ".lock":
            yield path.relative_to(series.root).as_posix(), path


def _setting_files(context: Context) -> Iterator[tuple[str, str]]:
    """Yield the settings that name a file of this machine, with its SHA-256."""
    for entry in all_settings():
        skipped = entry.secret or entry.machine or entry.name.startswith(PLACES)
        value = None if skipped else context.settings.value(entry.name)
        if isinstance(value, str) and value and value != entry.default:
            path = Path(value).expanduser()
            try:
                if path.is_file():
                    yield entry.name, file_digest(path)
            except OSError:  # a text too long for a name is none
                continue


def _write(file: Path, locked: Locked, contents: dict[str, Path]) -> None:
    """Write a lock: a file that exists is whole, and the same lock has the same bytes."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(_entry(LOCK), pretty(locked))
            for sha in sorted(contents):
                with (
                    contents[sha].open("rb") as source,
                    archive.open(_entry(f"{FILES}/{sha}"), "w") as target,
                ):
                    while piece := source.read(1 << 20):
                        target.write(piece)
        os.replace(temporary, file)
    except OSError as error:
        raise DubkitError(f"{file} cannot be written: {error.strerror or error}.") from None
    finally:
        temporary.unlink(missing_ok=True)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def read_lock(file: Path) -> Locked:
    """Read a lock. Raises DubkitError for another file, another version, and for one with parts missing."""
    try:
        with zipfile.ZipFile(file) as archive:
            raw, names = archive.read(LOCK), set(archive.namelist())
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "it is no lock of dubkit"
        raise DubkitError(f"{file} cannot be read: {why}.") from None
    try:
        head = msgspec.json.decode(raw)
    except msgspec.DecodeError as error:
        raise DubkitError(f"{file}: lock.json is damaged: {error}.\nTake a copy of the file.") from None
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise DubkitError(f"{file} is no lock of dubkit: its lock.json says nothing of {FORMAT}.")
    if head.get("version") != VERSION:
        raise DubkitError(
            f"{file} has version {head.get('version')} of locks, written by dubkit {head.get('dubkit')}; "
            f"this is dubkit {__version__}, which reads version {VERSION}.\nUse that dubkit to rebuild it."
        )
    try:
        locked = decode_json(raw, Locked)
    except msgspec.DecodeError as error:
        raise DubkitError(f"{file}: lock.json is damaged: {error}.\nTake a copy of the file.") from None
    for name, sha in {**locked.files, **locked.series, **locked.texts}.items():
        if f"{FILES}/{sha}" not in names:
            raise DubkitError(f"{file} lacks {name} ({sha[:12]}).\nTake a copy of the file that is whole.")
    return locked


def unpacked(file: Path, sha256: str, target: Path) -> None:
    """Write a file of a lock to a path. Raises DubkitError where its bytes are not those that were locked."""
    with zipfile.ZipFile(file) as archive, target.open("wb") as out:
        try:
            with archive.open(f"{FILES}/{sha256}") as source:
                while piece := source.read(1 << 20):
                    out.write(piece)
        except zipfile.BadZipFile:
            pass  # the digest below says so
    if file_digest(target) != sha256:
        raise DubkitError(f"{file} is damaged: a file in it is not {sha256[:12]}….\nTake a copy of the file.")
