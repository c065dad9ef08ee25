"""Examine what comes through dubkit's doors: packages that cannot be used, parts that cannot work here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Protocol, TypeVar

from dubkit.chain.host import SettingsHost
from dubkit.config import Settings, all_settings
from dubkit.engines.engine import ENGINES as TAKE_ENGINES
from dubkit.host import Host
from dubkit.media.separation.separator import SEPARATORS, SeparationTask
from dubkit.models.store import ModelStore
from dubkit.ops.diagnosis import Diagnosis, guarded
from dubkit.registry import BadPlugin, Named, Registry, registries
from dubkit.speech.diarization import DIARISERS, DiarizationTask
from dubkit.speech.recognition import RECOGNISERS, RecognitionTask
from dubkit.translate.engine import TRANSLATORS, TranslationTask
from dubkit.types.models import ModelSpec
from dubkit.voice.engine import ENGINES as VOICES
from dubkit.voice.engine import VoiceEngine, VoiceNeed

PAIR = ("en", "pt-BR")
"""Languages that a translator is asked about: the packaged models serve them."""

Section = TypeVar("Section")


class WorkPart(Named, Protocol):
    """What every part has that can do a stage's work."""

    @property
    def title(self) -> str:
        """What it is, in words."""

    @property
    def models(self) -> tuple[ModelSpec, ...]:
        """Models that it can use."""


Part = TypeVar("Part", bound=WorkPart)


def plugin_checks(store: ModelStore) -> Iterator[Diagnosis]:
    """Yield a failed check for everything that a package brings and that cannot be used."""
    for registry in registries():
        yield from (_bad(problem) for problem in registry.problems)
    names = {entry.name for entry in all_settings()}
    yield from (_bad_setting(spec) for spec in store.catalogue if spec.setting and spec.setting not in names)


def part_checks(store: ModelStore, settings: Settings) -> Iterator[Diagnosis]:
    """Yield a check of every part that can do the work of a stage, in order of preference."""
    host = SettingsHost(settings, store)
    diarizing = DiarizationTask(settings.diarize, host)
    recognising = RecognitionTask(settings.transcribe, host)
    separating = SeparationTask(settings.separate, host)
    translating = TranslationTask(*PAIR, settings.translate, host)
    yield from _each("diariser", DIARISERS, lambda part: part.hindrance(diarizing.for_engine(part)))
    yield from _each("recogniser", RECOGNISERS, lambda part: part.hindrance(recognising.for_engine(part)))
    yield from _each("separator", SEPARATORS, lambda part: part.hindrance(separating.for_separator(part)))
    yield from _each("translator", TRANSLATORS, lambda part: part.hindrance(translating.for_engine(part)))
    yield from _each("voice", VOICES, lambda part: part.hindrance(voice_need(host, store, part)))
    yield from _each("engine", TAKE_ENGINES, lambda part: part.hindrance(host))


def _bad(plugin: BadPlugin) -> Diagnosis:
    distribution = plugin.package.partition(" ")[0]
    return Diagnosis(
        f"plug-in: {plugin.group.removeprefix('dubkit.')}/{plugin.name}",
        False,
        f"{plugin.package}: {plugin.problem}",
        f"Update it (pip install --upgrade {distribution}) or take it out (pip uninstall {distribution}). "
        "Everything else works without it.",
    )


def _bad_setting(spec: ModelSpec) -> Diagnosis:
    return Diagnosis(
        f"plug-in: {spec.name}",
        False,
        f"this model names the setting {spec.setting}, which does not exist",
        "Update the package that brings it, or take it out.",
    )


def _each(word: str, registry: Registry[Part], hindrance: Callable[[Part], str]) -> Iterator[Diagnosis]:
    for part in registry:
        name = f"{word}: {part.name}"
        package = registry.package(part.name).partition(" ")[0] or "dubkit"
        cure = f"Reinstall: pip install --force-reinstall {package}"
        yield guarded(name, partial(_part, name, part, hindrance), cure)


def _part(name: str, part: Part, hindrance: Callable[[Part], str]) -> Diagnosis:
    hindered = hindrance(part)
    if not hindered:
        probe = getattr(part, "probe", None)
        return Diagnosis(name, True, probe() if probe else part.title)
    problem, *cure = re.split(r"(?<=\.)\s+", hindered, maxsplit=1)
    without = next((spec.without for spec in part.models if spec.without), "Others work in its place.")
    # Nothing comes after the last resort.
    ok = False if getattr(part, "degraded", "") else None
    return Diagnosis(name, ok, problem.rstrip("."), " ".join([*cure, without]).replace("\n", " "))


def voice_need(host: Host, store: ModelStore, engine: VoiceEngine, language: str = "") -> VoiceNeed:
    """Return what a voice engine is asked for and finds on this machine, outside of any run."""
    table = host.table(engine.table, engine.settings) if engine.settings else None
    has_model = bool(engine.role) and host.find_model(engine.role) is not None
    extras = frozenset(role for role in engine.extra_roles if host.find_model(role) is not None)
    return VoiceNeed(language, has_model, table, extras, store.cache)
