"""What of this machine a result depends on: models, packages, and parts that answer otherwise every time."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata

from dubkit.episode.context import Context
from dubkit.episode.store import Record
from dubkit.errors import DubkitError
from dubkit.models.catalogue import catalogue
from dubkit.models.store import ModelStore
from dubkit.types.models import ResolvedModel

OWN = "dubkit"


@dataclass(frozen=True, slots=True)
class UsedModel:
    """A model that results were made with."""

    role: str
    name: str
    """Empty for one of the user's own that a setting names."""
    identity: str
    """Name and digest of its content."""
    licence: str = ""


def packages_here() -> dict[str, str]:
    """Return the versions of dubkit, of the packages that it names, of Python, and the kind of machine."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    required = metadata.requires(OWN) or []
    wanted = [line for line in required if not re.search(r"extra == ['\"]dev['\"]", line)]
    names = {match[0] for line in wanted if (match := re.match(r"[A-Za-z0-9._-]+", line))}
    for name in sorted({OWN, *names}):
        try:
            found[name.lower().replace("_", "-")] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def used_models(context: Context, records: Sequence[Record]) -> tuple[UsedModel, ...]:
    """Return the models that some results were made with, as far as this machine has them."""
    used = " ".join({text for record in records for text in record.parts.models.values()})
    found: dict[str, UsedModel] = {}
    for role, name in _asked():
        model = model_here(context.models, role, name)
        if model is not None and model.identity and model.identity in used:
            known = model.name if any(spec.name == model.name for spec in catalogue()) else name
            found.setdefault(model.identity, UsedModel(role, known, model.identity, model.licence))
    return tuple(sorted(found.values(), key=lambda model: (model.role, model.name)))


def _asked() -> list[tuple[str, str]]:
    """Return the role and name of all models, those of the user's own first."""
    roles = dict.fromkeys(spec.role for spec in catalogue())
    return [*((role, "") for role in roles), *((spec.role, spec.name) for spec in catalogue())]


def model_here(models: ModelStore, role: str, name: str) -> ResolvedModel | None:
    """Return a model of this machine; None where there is none."""
    try:
        return models.find(role, name)
    except DubkitError:
        return None


def doubts(context: Context, has_texts: bool) -> Iterator[str]:
    """Yield what of a language cannot be made again with the same bytes, or is taken from its lock."""
    from dubkit.engines.engine import ENGINES
    from dubkit.translate.engine import TRANSLATORS
    from stages.shared.voices import choose_voice

    tag = context.language
    used = {r.parts.models.get("translator", "") for r in context.store.records("translate", tag).values()}
    services = [e for e in TRANSLATORS if e.remote and any(name.startswith(e.name) for name in used)]
    for engine in services:
        yield (
            f"{tag}: the texts are those of the lock, as {engine.title} words them otherwise every time. "
            "It is asked again only for lines that are heard otherwise in the source."
        )
    if has_texts and not services:
        yield f"{tag}: the texts are those of the lock; only lines that are heard otherwise get new ones."
    try:
        voice = choose_voice(context).engine
    except DubkitError:
        voice = None
    if voice is not None and voice.set_up is not None:
        yield f"{tag}: {voice.sentence_name} speaks anew, and what it says twice may differ in its bytes."
    clips = ENGINES.get(context.clips.engine) if context.has_clips and context.planned_clips else None
    if clips is not None and clips.generates:
        yield f"{tag}: clips are made anew by {clips.title}; another card or processor may give other bytes."
