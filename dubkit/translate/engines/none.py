"""No translation: every line stays as it is."""

from __future__ import annotations

from collections.abc import Sequence

from dubkit.translate.engine import TranslationEngine
from dubkit.translate.lines import OnDone, SourceLine, Translated, one_line

NAME = "none"


class NoTranslator:
    """Passes every line through unchanged."""

    def translate(self, lines: Sequence[SourceLine], on_done: OnDone) -> None:
        """Hand over all lines as they are."""
        on_done([Translated(line.id, one_line(line.text), NAME) for line in lines])


ENGINE = TranslationEngine(
    name=NAME,
    title="no translation",
    hindrance=lambda task: "",
    identity=lambda task: NAME,
    open=lambda task: NoTranslator(),
    reason=lambda task: "translation is switched off",
    unchanged=True,
)
