"""The models dubkit can use: what they are for, where they come from, their licences.

A model lives in a folder. Three kinds of source can fill that folder: an installed package that holds
the files as they are, packages that hold slices of one big file (joined once into the cache), and a
model hub. `dubkit.models.store` decides which one is taken.
"""

from __future__ import annotations

from functools import cache

from dubkit.models.catalogue_generator import GENERATOR_ROLES
from dubkit.registry import registries
from dubkit.types.models import ModelSpec

ROLES = (
    "asr",
    "vad",
    "speaker",
    "diarization",
    "nmt",
    "opus-mt",
    "nllb",
    "llm",
    "tts",
    "tts-voices",
    "tts-en",
    "espeak",
)
"""Order of the roles in lists, as a dub needs them; other roles follow in the order of their records."""


@cache
def catalogue() -> tuple[ModelSpec, ...]:
    """Return every known model: by role, in the order of ROLES, the generator's files last.

    Within a role the order is that of the records that bring them. Of two models with one name the first one
    counts, so another package cannot put its own in the place of one of dubkit's.
    """
    own: list[ModelSpec] = []
    others: list[ModelSpec] = []
    for registry in registries():
        for record in registry:
            (others if registry.package(record.name) else own).extend(_models(record))
    by_name: dict[str, ModelSpec] = {}
    for spec in (*own, *others):
        by_name.setdefault(spec.name, spec)
    return tuple(sorted(by_name.values(), key=_place))


def family_member(name: str) -> ModelSpec | None:
    """Return a model that is not listed by itself, but that a record makes of its name; else None."""
    for registry in registries():
        for record in registry:
            family = getattr(record, "family", None)
            if family is not None and (spec := family(name)) is not None:
                return spec if isinstance(spec, ModelSpec) else None
    return None


def _models(record: object) -> tuple[ModelSpec, ...]:
    return getattr(record, "models", ())  # a registry's records may be of a kind that needs no model


def _place(spec: ModelSpec) -> int:
    if spec.role in GENERATOR_ROLES:
        return len(ROLES) + 1
    return ROLES.index(spec.role) if spec.role in ROLES else len(ROLES)
