"""The engine that runs anywhere: lines are spoken over the source's own picture."""

from __future__ import annotations

from dubkit.engines.engine import TakeEngine
from dubkit.host import Host


def _hindrance(_host: Host) -> str:
    """Return nothing: it works anywhere. Whether a voice speaks the language is asked later."""
    return ""


ENGINE = TakeEngine(
    name="voice",
    title="Speech alone: every line spoken into its time, the picture untouched",
    hindrance=_hindrance,
    generates=False,
    automatic=True,
)
