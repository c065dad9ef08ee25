"""Choose what translates, and say why."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from dubkit.errors import SettingError, TranslationError
from dubkit.translate.engine import TRANSLATORS, TranslationEngine, TranslationTask
from dubkit.translate.language import language_name, needs_no_translation, same_language


@dataclass(frozen=True, slots=True)
class TranslatorChoice:
    """The engine that will translate; `reason` is a clause for people: `a configured endpoint …`."""

    engine: TranslationEngine
    task: TranslationTask
    """What it is opened for."""
    identity: str
    reason: str
    instead: str = ""
    """Why it stands in for the translator that was to be first, as a sentence; empty where it does not."""


def choose_translator(task: TranslationTask) -> TranslatorChoice:
    """Return what translates a pair of languages; loads nothing.

    `auto` takes the first engine that the user set up or that can translate the pair as it is. Where it
    cannot work here, the first of `translate.fallback` that can takes its place. A pair that needs no
    translation is passed through. Raises TranslationError when nothing can serve the pair, SettingError for
    an engine that does not exist.
    """
    engine = _named_engine(task.settings.provider)
    fallbacks(task)
    if engine and engine.unchanged:
        return _choice(engine, task)
    if needs_no_translation(task.source, task.target):
        return _unchanged(task, f"the source is {language_name(task.source)} already")
    engine = engine or _first_usable(task)
    if not (engine and engine.serves(task.source, task.target)) and same_language(task.source, task.target):
        return _unchanged(task, "only the variant of the language differs")
    if engine is None:
        raise _nobody(task)
    hindrance = _hindrance(engine, task)
    if not hindrance:
        return _choice(engine, task)
    problem = f"{_why_asked(engine, task)}, but {hindrance}"
    after = next_translator(task, {engine.name}) if task.settings.fallback else None
    if after is None:
        raise TranslationError(problem)
    return replace(after, instead=problem.splitlines()[0])


def fallbacks(task: TranslationTask) -> tuple[TranslationEngine, ...]:
    """Return the engines of `translate.fallback`, in order. Raises SettingError for a wrong name."""
    setting = task.settings.fallback
    names = [name.strip() for name in setting.split(",") if name.strip()]
    engines = [engine for name in names if (engine := TRANSLATORS.get(name)) and not engine.unchanged]
    if len(engines) < len(names):
        known = ", ".join(engine.name for engine in TRANSLATORS if not engine.unchanged)
        raise SettingError(
            "translate.fallback", setting, f"must be names out of {known}, with commas between"
        )
    return tuple(engines)


def chain_of(task: TranslationTask) -> tuple[TranslatorChoice, ...]:
    """Return the engines of `translate.fallback` that can translate a pair here, in order."""
    return tuple(_choice(engine, task) for engine in fallbacks(task) if not _hindrance(engine, task))


def next_translator(task: TranslationTask, tried: Collection[str]) -> TranslatorChoice | None:
    """Return what goes on with a pair where the engines of some names could not, or None.

    Without `translate.fallback`, only where nobody named the first one, and only what works on this machine:
    another service may not be what people want to pay for or to trust with their lines.
    """
    engines = fallbacks(task)
    if not engines and task.settings.provider == "auto":
        engines = tuple(engine for engine in TRANSLATORS if not (engine.unchanged or engine.remote))
    return next((_choice(e, task) for e in engines if e.name not in tried and not _hindrance(e, task)), None)


def _named_engine(provider: str) -> TranslationEngine | None:
    """Return the engine of the setting, or None for `auto`."""
    if provider == "auto":
        return None
    engine = TRANSLATORS.get(provider)
    if engine is None:
        known = ", ".join(("auto", *TRANSLATORS.names))
        raise SettingError("translate.provider", provider, f"must be one of {known}")
    return engine


def _first_usable(task: TranslationTask) -> TranslationEngine | None:
    for engine in TRANSLATORS:
        if engine.unchanged:
            continue
        if engine.configured(task.for_engine(engine)) or not _hindrance(engine, task):
            return engine
    return None


def _hindrance(engine: TranslationEngine, task: TranslationTask) -> str:
    hindrance = engine.hindrance(task.for_engine(engine))
    if hindrance or engine.serves(task.source, task.target):
        return hindrance
    return f"it does not translate {language_name(task.source)} into {language_name(task.target)}."


def _choice(engine: TranslationEngine, task: TranslationTask, reason: str = "") -> TranslatorChoice:
    asked = task.for_engine(engine)
    said = reason or (engine.reason(asked) if engine.reason else engine.title)
    return TranslatorChoice(engine, asked, engine.identity(asked), said)


def _unchanged(task: TranslationTask, reason: str) -> TranslatorChoice:
    return _choice(next(engine for engine in TRANSLATORS if engine.unchanged), task, reason)


def _why_asked(engine: TranslationEngine, task: TranslationTask) -> str:
    if task.settings.provider == "auto":
        return f"{engine.sentence_name} is set up"
    return f"translate.provider is {engine.name!r}"


def _nobody(task: TranslationTask) -> TranslationError:
    pair = f"{language_name(task.source)} into {language_name(task.target)}"
    ways = "\n".join(f"- {e.name}: {_hindrance(e, task)}" for e in TRANSLATORS if not e.unchanged)
    return TranslationError(
        f"Nothing here can translate {pair}:\n{ways}\n"
        "Set one of them up, or give a finished translation: --use translate=FILE"
    )
