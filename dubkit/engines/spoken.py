"""The engine that runs anywhere: lines are spoken over the source's own picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubkit.engines.engine import TakeEngine

if TYPE_CHECKING:
    from dubkit.models.store import ModelStore


def _hindrance(_models: ModelStore) -> str:
    """Nothing hinders it here; whether a voice speaks the language is asked when there are lines."""
    return ""


ENGINE = TakeEngine(
    name="voice",
    title="Speech alone: every line spoken into its time, the picture untouched",
    hindrance=_hindrance,
    generates=False,
    automatic=True,
)
