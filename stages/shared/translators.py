"""Which translator serves the languages of an episode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubkit.episode.context import Context
from dubkit.translate.engine import TranslationTask
from stages.shared.host import RunHost

if TYPE_CHECKING:
    from dubkit.translate.choice import TranslatorChoice


def translator_choice(context: Context) -> TranslatorChoice:
    """Return the translator of this pair of languages, and why it was chosen."""
    from dubkit.translate.choice import choose_translator

    settings = context.settings.translate
    return choose_translator(
        TranslationTask(context.source_language, context.language, settings, RunHost(context))
    )
