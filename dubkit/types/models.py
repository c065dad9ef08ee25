"""What is known of a model: its files, every way to get it, its licence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Origin = Literal["path", "cache", "packaged", "hub", "package"]
"""`path`: named by the user. `cache`: joined or downloaded before. `packaged`: slices in packages, joined
at first use. `package`: used where an installed package keeps it. `hub`: just downloaded."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model: name inside the model's folder, bytes, SHA-256 (empty where not known)."""

    name: str
    size: int
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class PartsRecipe:
    """How packages are put together to a model folder."""

    pip: str
    """What to install, as arguments of `pip install`."""
    files: tuple[ModelFile, ...]
    parts: dict[str, tuple[tuple[str, str], ...]]
    """For each file, its slices in joining order: (import package, path inside that package)."""


def numbered_parts(packages: str, path: str, first: int, last: int) -> tuple[tuple[str, str], ...]:
    """Return the slices `first` to `last` of a file for `PartsRecipe.parts`; `{n}` stands for the number.

    The order is numeric: sorted as text, part 10 would come before part 2.
    """
    return tuple((packages.format(n=n), path.format(n=n)) for n in range(first, last + 1))


@dataclass(frozen=True, slots=True)
class InPackage:
    """Files used where an installed package keeps them; the package is found, never imported."""

    pip: str
    package: str
    """Import name of the package."""
    folder: str = "."


@dataclass(frozen=True, slots=True)
class HubSource:
    """A repository on a model hub. The revision is a commit, so a download never changes by itself."""

    repo: str
    revision: str
    patterns: tuple[str, ...] = ("*",)
    gated: bool = False


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model by name, with every way to get it."""

    role: str
    name: str
    licence: str
    about: str
    files: tuple[ModelFile, ...] = ()
    """What the model consists of, as far as it is pinned; the first one is the weights."""
    main: str = ""
    """The file a loader is given; empty when it is given the folder."""
    required: tuple[str, ...] = ()
    """File patterns an explicitly named folder must contain."""
    magic: bytes = b""
    """First bytes of `main`."""
    packaged: tuple[PartsRecipe, ...] = ()
    in_package: InPackage | None = None
    hub: HubSource | None = None
    needs: tuple[str, ...] = ()
    """Import names of the packages that run the model."""
    runtime_pip: str = ""
    """What to install when `needs` are missing."""
    licence_url: str = ""
    note: str = ""
    approximate_size: int = 0
    """Bytes where no file is pinned, as far as they are known."""
    on_request: bool = False
    """Fetched only when the user asks for it by name, never because a stage needs it."""
    does: str = ""
    """What it does in a dub, in a word or two: `speech recognition`."""
    without: str = ""
    """What is lost without it, and what does its work then."""
    setting: str = ""
    """Dotted name of the setting that gives the path of your own model instead; one for each role."""
    setting_takes_repository: bool = False
    """Whether `setting` may also name a repository of the hub; the model's opener reads it."""
    default: bool = False
    """Whether it is the one of its role that is taken when none is named."""
    optional: bool = False
    """Whether a run is complete without it, because something else does its work."""

    @property
    def pip(self) -> str:
        """Arguments of `pip install` that bring this model; empty when no package holds it."""
        if self.in_package:
            return self.in_package.pip
        return self.packaged[0].pip if self.packaged else ""

    @property
    def size(self) -> int:
        """Bytes of the pinned files, or about as many where none is pinned."""
        return sum(file.size for file in self.files) or self.approximate_size


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A model that is on this machine, or can be put together without a network."""

    role: str
    name: str
    origin: Origin
    folder: Path | None
    """Where it is; None while it only exists as slices in packages."""
    identity: str
    """Name and content digest: part of cache keys, independent of where the files lie."""
    licence: str
    size: int
    """Bytes."""
    main: str = ""

    @property
    def path(self) -> Path:
        """What a loader is given: the main file, or the folder. Only for a model that has a folder."""
        if self.folder is None:
            raise ValueError(f"{self.name} is not put together yet: fetch it first")
        return self.folder / self.main if self.main else self.folder
