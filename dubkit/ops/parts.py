"""Examine what comes through dubkit's doors: packages that cannot be used, parts that cannot work here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

from dubkit.config import Settings, declared
from dubkit.engines import engine as take_engines
from dubkit.engines.engine import TakeEngine
from dubkit.host import Host
from dubkit.models.spec import ModelSpec, ResolvedModel
from dubkit.models.store import ModelStore
from dubkit.ops.check import Check, guarded
from dubkit.registry import BadPlugin, Named, Registry, registries
from dubkit.translate.engine import TRANSLATORS, TranslationEngine, TranslationTask
from dubkit.voice.engine import ENGINES as VOICES
from dubkit.voice.engine import VoiceEngine, VoiceNeed

PAIR = ("en", "pt-BR")
"""Languages that a translator is asked about: the packaged models serve them."""

Section = TypeVar("Section")
Record = TypeVar("Record", bound=Named)


class MachineHost(Host):
    """The settings and models of this machine, outside of any run."""

    def __init__(self, settings: Settings, store: ModelStore) -> None:
        self._settings = settings
        self._store = store

    def setting(self, name: str) -> Any:
        return self._settings.value(name)

    def table(self, name: str, section: type[Section]) -> Section:
        return self._settings.table(name, section)

    def find_model(self, role: str, name: str = "") -> ResolvedModel | None:
        return self._store.find(role, name)


def plugin_checks(store: ModelStore) -> Iterator[Check]:
    """Yield a failed check for everything that a package brings and that cannot be used."""
    for registry in registries():
        yield from (_bad(problem) for problem in registry.problems)
    names = {entry.name for entry in declared()}
    yield from (_bad_setting(spec) for spec in store.catalogue if spec.setting and spec.setting not in names)


def part_checks(store: ModelStore, settings: Settings) -> Iterator[Check]:
    """Yield a check for each voice engine, translator and take engine, in order of preference."""
    host = MachineHost(settings, store)
    yield from _each("voice", VOICES, partial(_voice, host))
    yield from _each("translator", TRANSLATORS, partial(_translator, host, settings))
    yield from _each("engine", take_engines.ENGINES, partial(_take_engine, store))


def _bad(plugin: BadPlugin) -> Check:
    distribution = plugin.package.partition(" ")[0]
    return Check(
        f"plug-in: {plugin.group.removeprefix('dubkit.')}/{plugin.name}",
        False,
        f"{plugin.package}: {plugin.problem}",
        f"Update it (pip install --upgrade {distribution}) or take it out (pip uninstall {distribution}). "
        "Everything else works without it.",
    )


def _bad_setting(spec: ModelSpec) -> Check:
    return Check(
        f"plug-in: {spec.name}",
        False,
        f"this model names the setting {spec.setting}, which does not exist",
        "Update the package that brings it, or take it out.",
    )


def _each(word: str, registry: Registry[Record], examine: Callable[[Record], Check]) -> Iterator[Check]:
    for record in registry:
        package = registry.package(record.name).partition(" ")[0] or "dubkit"
        cure = f"Reinstall: pip install --force-reinstall {package}"
        yield guarded(f"{word}: {record.name}", partial(examine, record), cure)


def _voice(host: Host, engine: VoiceEngine) -> Check:
    name = f"voice: {engine.name}"
    table = host.table(engine.table, engine.settings) if engine.settings else None
    has_model = bool(engine.role) and host.find_model(engine.role) is not None
    hindrance = engine.hindrance(VoiceNeed("", has_model, table))
    if not hindrance:
        spoken = "" if callable(engine.languages) else f" speaks {', '.join(engine.languages)}"
        return Check(name, True, engine.probe() if engine.probe else f"{engine.title}{spoken}")
    without = next(
        (spec.without for spec in engine.models if spec.without), "Other voices speak in its place."
    )
    # Nothing comes after the last resort.
    return _hindered(name, hindrance, without, ok=False if engine.degraded else None)


def _translator(host: Host, settings: Settings, engine: TranslationEngine) -> Check:
    task = TranslationTask(*PAIR, settings.translate, host).for_engine(engine)
    name, hindrance = f"translator: {engine.name}", engine.hindrance(task)
    return (
        _hindered(name, hindrance, "Others translate what they can.")
        if hindrance
        else Check(name, True, engine.title)
    )


def _take_engine(store: ModelStore, engine: TakeEngine) -> Check:
    name, hindrance = f"engine: {engine.name}", engine.hindrance(store)
    return (
        _hindered(name, hindrance, "Lines can still be spoken.")
        if hindrance
        else Check(name, True, engine.title)
    )


def _hindered(name: str, hindrance: str, without: str, ok: bool | None = None) -> Check:
    problem, *cure = re.split(r"(?<=\.)\s+", hindrance, maxsplit=1)
    return Check(name, ok, problem.rstrip("."), " ".join([*cure, without]).replace("\n", " "))
