"""Verify models by name and files by path: digests where they are known, headers of generator files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dubkit.models.catalogue_generator import GENERATOR_ROLES
from dubkit.models.store import ModelStore
from dubkit.models.weights.files import Problem, WeightReport, check_paths


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """What was found out about one model or file."""

    name: str
    path: str
    summary: str
    problems: tuple[Problem, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.problems


def verify(store: ModelStore, names: Sequence[str] = ()) -> list[VerifyResult]:
    """Verify models named as in the catalogue, and files and folders; without names all that is here.

    Raises `ModelMissing` for a name or path where nothing is.
    """
    chosen = names or tuple(s.name for s in store.catalogue if store.find(s.role, s.name))
    catalogue_names = {name for s in store.catalogue for name in (s.name, s.name.removeprefix("whisper-"))}
    # A path as the shell completes it, though a folder may be called like a model.
    paths = [Path(name).expanduser() for name in chosen if name not in catalogue_names and _is_path(name)]
    checkpoint = store.find("checkpoint") if store.of_role("checkpoint") else None
    base = checkpoint.path if checkpoint is not None else None
    results = [_model(store, name, base) for name in chosen if Path(name).expanduser() not in paths]
    return results + [_verify_result(report) for report in check_paths(paths, base)]


def _is_path(name: str) -> bool:
    path = Path(name).expanduser()
    return path.exists() or len(path.parts) > 1 or path.suffix == ".safetensors"


def _model(store: ModelStore, name: str, base: Path | None) -> VerifyResult:
    result = store.verify(name)
    problems = [Problem(f"{f.name}: {f.problem}", result.cure) for f in result.files if not f.ok]
    summary = f"{len(result.files)} files"
    path = str(result.model.path) if result.model.folder else ""
    if result.model.role in GENERATOR_ROLES:
        for report in check_paths([result.model.path], base):
            summary = report.summary or summary
            problems += report.problems
    return VerifyResult(result.model.name, path, summary, tuple(problems))


def _verify_result(report: WeightReport) -> VerifyResult:
    return VerifyResult(report.path.name, str(report.path), report.summary or report.kind, report.problems)
