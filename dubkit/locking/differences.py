"""What is different here from where an episode was locked, and what cannot come out the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dubkit.config import all_settings
from dubkit.episode.store import file_digest
from dubkit.errors import DubkitError
from dubkit.locking.lock import Locked
from dubkit.locking.surroundings import UsedModel, model_here, packages_here
from dubkit.models.store import ModelStore
from dubkit.studio import Session

MISSING = "not here"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was."""

    what: str
    """`model whisper-small (asr)`, `package torch`, `cast.toml beside the source`."""
    locked: str
    here: str
    stops: bool = False
    """Whether other results are certain, so that nothing is made unless the user says so."""
    cure: str = ""

    @property
    def sentence(self) -> str:
        """The difference in words."""
        cure = f" {self.cure}" if self.cure else ""
        return f"{self.what}: locked {self.locked}, here {self.here}.{cure}"


def differences(session: Session, locked: Locked, source: Path) -> list[Difference]:
    """Return what is different here; `session` has the settings of the lock. Models are read as a whole."""
    return [
        *_settings(locked),
        *_setting_files(session, locked),
        *_beside(locked, source),
        *_models(session.models, locked),
        *_packages(locked),
    ]


def _settings(locked: Locked) -> Iterator[Difference]:
    known = {entry.name: entry for entry in all_settings()}
    for name, value in locked.settings.items():
        entry = known.get(name)
        if entry is None:
            cure = "Install the package that brings it, or the version of dubkit that has it."
            yield Difference(f"setting {name}", repr(value), "no such setting", True, cure)
            continue
        try:
            entry.converted(value, "the lock")
        except DubkitError as error:
            yield Difference(f"setting {name}", repr(value), "refused", True, str(error))


def _setting_files(session: Session, locked: Locked) -> Iterator[Difference]:
    for name, sha in locked.setting_files.items():
        path = Path(str(locked.settings.get(name, ""))).expanduser()
        here = file_digest(path)[:12] if path.is_file() else MISSING
        if not sha.startswith(here):
            cure = "Put the file there that was locked."
            yield Difference(f"file {path} of the setting {name}", sha[:12], here, True, cure)


def _beside(locked: Locked, source: Path) -> Iterator[Difference]:
    from dubkit.locking.lock import BESIDE

    for name in BESIDE:
        path, sha = source.with_name(name), locked.beside.get(name, "")
        here = file_digest(path) if path.is_file() else ""
        if here != sha:
            cure = f"Put it there: unzip -p LOCK files/{sha}" if sha else "Move it away."
            yield Difference(
                f"{name} beside the source", sha[:12] or "none", here[:12] or MISSING, True, cure
            )


def _models(models: ModelStore, locked: Locked) -> Iterator[Difference]:
    for used in locked.models:
        found = model_here(models, used.role, used.name)
        what = f"model {used.name or 'of your own'} ({used.role})"
        if found is None:
            cure = f"Fetch it: dubkit models get {used.name}" if used.name else "Name it in the settings."
            yield Difference(what, used.identity, MISSING, True, cure)
        elif found.identity != used.identity:
            yield Difference(what, used.identity, found.identity, True, "Results will be other ones.")
        else:
            yield from _damage(models, used, what)


def _damage(models: ModelStore, used: UsedModel, what: str) -> Iterator[Difference]:
    """Yield the files of a model that are not what its identity says."""
    if not used.name:
        return  # one of the user's own is named by its content already
    try:
        verified = models.verify(used.name)
    except DubkitError as error:
        yield Difference(what, used.identity, f"cannot be read: {error}", True)
        return
    for file in verified.files:
        if not file.ok:
            yield Difference(what, used.identity, f"{file.name} {file.problem}", True, verified.cure)


def _packages(locked: Locked) -> Iterator[Difference]:
    here = packages_here()
    for name in sorted(locked.packages.keys() | here.keys()):
        if name in locked.packages and locked.packages[name] != here.get(name, MISSING):
            yield Difference(f"package {name}", locked.packages[name], here.get(name, MISSING))
