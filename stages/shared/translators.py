"""Which translator serves the languages of an episode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubkit.episode.context import Context
from dubkit.translate.engine import TRANSLATORS, TranslationTask
from stages.shared.host import RunHost, part_identity

if TYPE_CHECKING:
    from collections.abc import Callable

    from dubkit.translate.choice import TranslatorChoice


def translator_choice(context: Context) -> TranslatorChoice:
    """Return the translator of this pair of languages, and why it was chosen."""
    from dubkit.translate.choice import choose_translator

    settings = context.settings.translate
    return choose_translator(
        TranslationTask(context.source_language, context.language, settings, RunHost(context))
    )


LEFT_BY = "left by"
"""Names in a key the translator that was asked first and had no text for the line."""


def translator_identity(choice: TranslatorChoice) -> str:
    """Return how keys name a translator."""
    return part_identity(TRANSLATORS, choice.engine, choice.identity)


def fallback_models(context: Context, choice: TranslatorChoice) -> Callable[[str], dict[str, str]]:
    """Return what gives the models that a line was made by where another one of `translate.fallback` made it.

    Empty for every other line.
    """
    from dubkit.translate.choice import chain_of

    if not choice.task.settings.fallback:
        return lambda line: {}
    others = {translator_identity(other) for other in chain_of(choice.task)} - {translator_identity(choice)}

    def made_by(line: str) -> dict[str, str]:
        record = context.store.record("translate", line, context.language)
        made = record.parts.models if record is not None and not record.error else {}
        return made if made.get("translator") in others else {}

    return made_by
