"""The voice engines as people choose them: what each can, what it costs to have, and whether it is here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dubkit.chain.host import SettingsHost
from dubkit.config import Settings
from dubkit.errors import DubkitError, ToolError
from dubkit.models.store import ModelStore
from dubkit.ops.parts import voice_need
from dubkit.voice.engine import ENGINES, VoiceEngine
from dubkit.voice.homes.home import folder_of
from dubkit.voice.homes.making import Making, find_python

MOST_LANGUAGES = 12
"""Languages that a list names; of more, the number."""


@dataclass(frozen=True, slots=True)
class VoiceRow:
    """One engine."""

    name: str
    title: str
    here: bool
    hindrance: str
    """Why it cannot speak here, with the cure; empty when it can."""
    abilities: tuple[str, ...]
    languages: str
    licence: str
    requires: str
    megabytes: float
    """What it takes on the disk, about: its models, and its environment where it has its own."""
    package: str
    """Package that brings it; empty for dubkit's own."""


def voice_rows(store: ModelStore, settings: Settings, language: str = "") -> list[VoiceRow]:
    """Return every voice engine, of a language only where one is given, in order of preference."""
    asked = [engine for engine in ENGINES if not language or engine.speaks(language)]
    return [_row(engine, store, settings, language) for engine in asked]


def _row(engine: VoiceEngine, store: ModelStore, settings: Settings, language: str) -> VoiceRow:
    try:
        hindrance = engine.hindrance(voice_need(SettingsHost(settings, store), store, engine, language))
    except (DubkitError, OSError) as error:
        hindrance = str(error)
    size = sum(spec.size for spec in engine.models) + (engine.home.size if engine.home else 0)
    return VoiceRow(
        engine.name,
        engine.title,
        not hindrance,
        hindrance,
        engine.abilities,
        _languages(engine),
        engine.licence or "; ".join(dict.fromkeys(spec.licence for spec in engine.models)),
        engine.requires,
        round(size / 1e6, 1),
        ENGINES.package(engine.name),
    )


def _languages(engine: VoiceEngine) -> str:
    if callable(engine.languages):
        return "see its title"
    if len(engine.languages) > MOST_LANGUAGES:
        return f"{len(engine.languages)} languages"
    return " ".join(engine.languages)


def plan_home(store: ModelStore, settings: Settings, name: str, python: str = "", own: str = "") -> Making:
    """Return how the home of an engine is made.

    Raises ToolError for a name without one, and when there is no Python for it.
    """
    homes = {engine.name: engine for engine in ENGINES if engine.home is not None}
    engine = homes.get(name)
    if engine is None or engine.home is None:
        known = ", ".join(homes)
        reason = "speaks in dubkit's own environment" if name in ENGINES else "is no voice engine"
        raise ToolError(
            f"{name!r} {reason}: there is nothing to install.\nWith an environment of their own: {known}."
        )
    table = settings.table(engine.table, engine.settings) if engine.settings else None
    folder = Path(own).expanduser().resolve() if own else folder_of(engine.home, store.cache, table)
    assert folder is not None  # a store has a cache
    return Making(engine.home, folder, find_python(engine.home, python))
