"""The door of deliverables: what a pack holds, one record for each part, and the registry of all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dubkit.deliver.statement import PackedFile, TrackStatement
from dubkit.episode.context import Context
from dubkit.registry import Registry
from dubkit.types import Remark, remark


@dataclass
class Packing:
    """A pack on its way: what deliverables write into."""

    context: Context
    """The episode in the source's language."""
    languages: tuple[str, ...]
    """The finished languages that are packed; the first one plays where nobody chooses."""
    folder: Path
    """Where the pack is put together, before it gets its name."""
    files: list[PackedFile] = field(default_factory=list)
    said: list[Remark] = field(default_factory=list)
    deliverable: str = ""
    """The one that is being written."""

    def __post_init__(self) -> None:
        self._contexts: dict[str, Context] = {}

    @property
    def name(self) -> str:
        """Name of the episode's folder, which files are named after."""
        return self.context.store.root.name

    def within(self, language: str) -> Context:
        """Return the episode in a language; it is read once."""
        if language not in self._contexts:
            self._contexts[language] = self.context.fresh(language)
        return self._contexts[language]

    def file(self, path: str, *, language: str = "", tracks: tuple[TrackStatement, ...] = ()) -> Path:
        """Enter a file into the pack and return where it is to be written.

        `path` is relative with `/`; `tracks` say where picture and sound of a film or recording come from.
        Raises ValueError for a path outside the pack, or one that is there already.
        """
        parts = Path(path).parts
        if not parts or Path(path).is_absolute() or ".." in parts:
            raise ValueError(f"{path!r} is not a place in a pack: give a relative path without '..'")
        if any(file.path.casefold() == path.casefold() for file in self.files):
            raise ValueError(f"{path!r} is in the pack already: choose another name")
        self.files.append(PackedFile(path, self.deliverable, language, tracks))
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def drop(self, path: str) -> None:
        """Take a file out again that could not be written."""
        self.files = [file for file in self.files if file.path != path]
        (self.folder / path).unlink(missing_ok=True)

    def say(self, code: str, sentence: str, place: str = "") -> None:
        """Tell people something about the pack."""
        self.said.append(remark(code, sentence, place))


@dataclass(frozen=True, slots=True)
class Deliverable:
    """One part of what is handed over: films, sound, texts, reports."""

    name: str
    """How `pack.json` names it: `films`."""
    title: str
    packs: tuple[str, ...]
    """The packs that it belongs to: `("studio",)`."""
    write: Callable[[Packing], None]
    """Writes its files, those of all languages. What cannot be made is said with a remark."""


def _problem(deliverable: Deliverable, others: Mapping[str, Deliverable]) -> str:
    packs = deliverable.packs
    if not isinstance(packs, tuple) or not packs or not all(isinstance(p, str) and p for p in packs):
        return f"its packs are {packs!r}, not a tuple of names such as ('studio',)"
    return ""


DELIVERABLES = Registry(
    "deliverable",
    "dubkit.deliverables",
    Deliverable,
    (
        "dubkit.deliver.films:MASTER",
        "dubkit.deliver.films:SCREENERS",
        "dubkit.deliver.sounds:SOUNDS",
        "dubkit.deliver.texts:TEXTS",
        "dubkit.deliver.reports:REPORTS",
    ),
    check=_problem,
)


def pack_names() -> tuple[str, ...]:
    """Return the packs that can be asked for, in the order of their first deliverable."""
    return tuple(dict.fromkeys(name for record in DELIVERABLES for name in record.packs))
