"""Which lines are dubbed, and which of them by generated clips."""

from __future__ import annotations

from dubkit.episode.context import Context
from dubkit.types import Line, Segment


def dubbed_lines(context: Context) -> list[tuple[Segment, Line]]:
    """Return the lines to be dubbed by any engine: translated, and not left in the source's own sound."""
    routes = context.routes
    return [(s, line) for s, line in context.lines if line.text and routes.get(line.id) != "keep"]


def lipdubbed_lines(context: Context) -> frozenset[str]:
    """Return the lines whose speech comes from generated clips."""
    return frozenset(line for line, route in context.routes.items() if route == "lipdub")
