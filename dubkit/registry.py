"""Registries: one for each kind of thing that dubkit and other packages bring, such as voices and formats.

What dubkit brings and what another package brings comes in the same way: a reference `module:NAME` to a
record. dubkit's own stand in the registry, in order of preference; another package names its own as an entry
point of the registry's group (`pyproject.toml`):

    [project.entry-points."dubkit.voices"]
    beep = "dubkit_beep:ENGINE"

Nothing is imported before a registry is read. A record that cannot be used is left out and named by
`dubkit doctor`; it never stops a run that does not ask for it.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache, cached_property, wraps
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from dubkit.errors import DubkitError, PluginFailed
from dubkit.settings import section_settings
from dubkit.types.models import ModelSpec

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

log = logging.getLogger(__name__)

REGISTRIES: tuple[str, ...] = (
    "stages:STAGES",
    "dubkit.engines.engine:ENGINES",
    "dubkit.speech.diarization:DIARISERS",
    "dubkit.speech.recognition:RECOGNISERS",
    "dubkit.media.separation.separator:SEPARATORS",
    "dubkit.translate.engine:TRANSLATORS",
    "dubkit.voice.engine:ENGINES",
    "dubkit.formats.format:FORMATS",
    "dubkit.qc.check:CHECKS",
    "dubkit.chain.executor:EXECUTORS",
    "dubkit.deliver.deliverable:DELIVERABLES",
)
"""Every registry of dubkit, by reference, so that listing them imports only what is asked for."""


class Named(Protocol):
    """What every record has."""

    @property
    def name(self) -> str:
        """How settings, artifacts and people name it."""


R = TypeVar("R", bound=Named)


@dataclass(frozen=True, slots=True)
class BadPlugin:
    """A record of another package that cannot be used, and why."""

    group: str
    name: str
    package: str
    """Distribution that brings it, with its version."""
    problem: str


class Registry(Generic[R]):
    """The records of one kind, read at first use: dubkit's own, then those of installed packages by name."""

    def __init__(
        self,
        kind: str,
        group: str,
        record: type[R],
        own: Sequence[str],
        *,
        table: str | None = None,
        check: Callable[[R, Mapping[str, R]], str] | None = None,
    ) -> None:
        """Declare a registry.

        Args:
            kind: what its records are, in words: `voice engine`.
            group: entry-point group of other packages: `dubkit.voices`.
            record: class of the records.
            own: references `module:NAME` to dubkit's own records, in order of preference.
            table: settings table below which records have their own: `speak` gives `[speak.NAME]`, an empty
                text `[NAME]`; None where records have no settings.
            check: returns what is wrong with another package's record beside the records so far, or "".
        """
        self.kind, self.group, self.record, self.own, self.table = kind, group, record, tuple(own), table
        self._check = check

    def __iter__(self) -> Iterator[R]:
        return iter(self.records.values())

    def __len__(self) -> int:
        return len(self.records)

    def __contains__(self, name: object) -> bool:
        return name in self.records

    def get(self, name: str) -> R | None:
        """Return a record by name, or None."""
        return self.records.get(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all records, in order of preference."""
        return tuple(self.records)

    @property
    def records(self) -> dict[str, R]:
        """Name -> record, in order of preference."""
        return self._read[0]

    @property
    def others(self) -> tuple[R, ...]:
        """Records of other packages."""
        return tuple(self.records.values())[len(self.own) :]

    @property
    def problems(self) -> tuple[BadPlugin, ...]:
        """Records of other packages that cannot be used."""
        return tuple(self._read[1])

    def package(self, name: str) -> str:
        """Return the package that brings a record, with its version: `beep 1.0`; empty for dubkit's own."""
        return self._read[2].get(name, "")

    @cached_property
    def _read(self) -> tuple[dict[str, R], list[BadPlugin], dict[str, str]]:
        own: list[R] = [resolve(reference) for reference in self.own]
        records = {record.name: record for record in own}
        problems: list[BadPlugin] = []
        packages: dict[str, str] = {}
        for point in sorted(_entry_points(self.group), key=lambda point: point.name):
            package = f"{point.dist.name} {point.dist.version}" if point.dist else point.value
            problem = self._add(point, records, packages, package)
            if problem:
                problems.append(BadPlugin(self.group, point.name, package, problem))
            else:
                packages[point.name] = package
        return records, problems, packages

    def _add(
        self, point: EntryPoint, records: dict[str, R], packages: Mapping[str, str], package: str
    ) -> str:
        """Add the record of an entry point; return why it cannot be, or an empty text."""
        try:
            record = point.load()
        except (Exception, SystemExit) as error:  # a stranger's module can raise anything when it is imported
            return f"{point.value} cannot be loaded: {type(error).__name__}: {error}".splitlines()[0]
        if not isinstance(record, self.record):
            return f"{point.value} is a {type(record).__name__}, not a {self.record.__name__}"
        if record.name != point.name:
            return f"the record is named {record.name!r}, its entry point {point.name!r}: use one name"
        if record.name in records:
            owner = packages.get(record.name, "dubkit")
            return f"there is a {self.kind} named {record.name!r} already, of {owner}"
        if self._check is not None and (problem := self._check(record, records)):
            return problem
        if problem := _part_problem(record, f"{self.table or 'part'}.{record.name}"):
            return problem
        records[record.name] = _guarded(record, package)
        return ""


def _part_problem(record: object, table: str) -> str:
    """Return what is wrong with the settings or models of a record, or an empty text."""
    settings, models = getattr(record, "settings", None), getattr(record, "models", ())
    try:
        if settings is not None:
            settings()
            for entry in section_settings(settings, table):
                if problem := entry.mistake():
                    return f"its setting {entry.name}: {problem}"
    except Exception as error:  # a stranger's class can raise anything
        return f"its settings cannot be read: {type(error).__name__}: {error}".splitlines()[0]
    if not isinstance(models, tuple) or not all(isinstance(spec, ModelSpec) for spec in models):
        return "its models are not a tuple of ModelSpec"
    return ""


def _guarded(record: R, package: str) -> R:
    """Return another package's record whose functions name the package when they break.

    Its `hindrance` answers with what broke, so that a run which does not ask for the part goes on; any other
    function raises PluginFailed. What dubkit itself expects of them, a DubkitError, passes unchanged.
    """
    changes: dict[str, Any] = {}
    for entry in fields(record):  # type: ignore[arg-type]
        function = getattr(record, entry.name)
        if callable(function) and entry.name != "settings":
            changes[entry.name] = _named(function, f"{package}: {record.name}.{entry.name}")
    if "hindrance" in changes:
        changes["hindrance"] = _answered(changes["hindrance"])
    return replace(record, **changes)  # type: ignore[type-var]


def _named(function: Callable[..., Any], place: str) -> Callable[..., Any]:
    @wraps(function, updated=())  # a class may stand where a function does: its members stay with it
    def call(*arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except (DubkitError, OSError):
            raise
        except (Exception, SystemExit) as error:  # a stranger's function can raise anything
            log.debug("%s", place, exc_info=True)
            raise PluginFailed(place, error) from error

    return call


def _answered(hindrance: Callable[..., str]) -> Callable[..., str]:
    @wraps(hindrance)
    def call(*arguments: Any) -> str:
        try:
            return hindrance(*arguments)
        except (DubkitError, OSError) as error:
            return str(error)

    return call


def resolve(reference: str) -> Any:
    """Return what a reference `module:NAME` names."""
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)


def names_of(reference: str, *before: str) -> Callable[[], tuple[str, ...]]:
    """Return a function that gives `before` and the names of a registry: the choices of a setting.

    The registry is read when the names are asked for, so that declaring a setting imports nothing.
    """
    return lambda: (*before, *resolve(reference).names)


def registries() -> list[Registry[Any]]:
    """Return every registry of dubkit."""
    return [resolve(reference) for reference in REGISTRIES]


@cache
def _entry_points_by_group() -> dict[str, list[EntryPoint]]:
    groups: dict[str, list[EntryPoint]] = {}
    seen: set[str] = set()
    for folder in _package_folders():
        from importlib.metadata import Distribution

        distribution = Distribution.at(folder)
        if distribution.name in seen:
            continue  # an older copy further down the path
        seen.add(distribution.name)
        for point in distribution.entry_points:
            groups.setdefault(point.group, []).append(point)
    return groups


def _package_folders() -> Iterator[str]:
    """Yield the folders of what is installed and has something for dubkit.

    Asking importlib.metadata for all that is installed takes 24 ms of every command; looking for files, 1.
    """
    for place in dict.fromkeys(sys.path):
        try:
            entries = sorted(os.scandir(place or "."), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            if entry.name.endswith((".dist-info", ".egg-info")) and _names_a_part(entry.path):
                yield entry.path


def _names_a_part(folder: str) -> bool:
    try:
        with open(os.path.join(folder, "entry_points.txt"), "rb") as file:
            return b"[dubkit." in file.read()
    except OSError:
        return False


def _entry_points(group: str) -> list[EntryPoint]:
    return _entry_points_by_group().get(group, [])
