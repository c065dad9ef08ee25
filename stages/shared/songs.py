"""Which lines keep the source's sound because they are sung, or lie in a passage that is to be kept."""

from __future__ import annotations

from collections.abc import Iterable

from dubkit.chain.stage import Setup
from dubkit.episode.context import Context
from dubkit.speech.captions.sounds import is_song
from dubkit.speech.marks import hindrance
from dubkit.speech.settings import passages
from dubkit.types import LineRoute, Remark, Segment, remark
from dubkit.types.music import Music, SoundSpan, shared_seconds

REPORT = "music.json"

SUNG = 0.5
"""Share of a line that is singing, from which it counts as sung."""
SUNG_REASON = "sung"
INSIDE = 0.5
"""Share of a line in a passage, from which it belongs to it."""


def marks_songs(context: Setup) -> bool:
    """Tell whether songs and music are marked: the settings ask for it, and something here can."""
    return context.settings.music.marks == "auto" and not hindrance()


def music(context: Context) -> tuple[SoundSpan, ...]:
    """Return music and singing of the source; empty where they are not marked."""
    if not marks_songs(context) or not context.store.has(REPORT):
        return ()
    return context.store.read(REPORT, Music).spans


def kept_lines(context: Context) -> dict[str, str]:
    """Return line -> why it keeps the source's sound: it is sung, or lies in a passage to be kept."""
    spans, named = music(context), passages(context.settings.music.keep)
    reasons = {segment.id: _reason(segment, spans, named) for segment in context.segments}
    return {line: reason for line, reason in reasons.items() if reason}


def kept_remarks(context: Context, routes: Iterable[LineRoute]) -> list[Remark]:
    """Say which lines keep the source's sound for that reason."""
    kept = kept_lines(context)
    return [
        remark(
            "song-kept" if route.reason.startswith(SUNG_REASON) else "passage-kept",
            _sentence(route),
            route.line,
        )
        for route in routes
        if route.reason and kept.get(route.line) == route.reason
    ]


def _sentence(route: LineRoute) -> str:
    return f"It keeps the source's sound: {route.reason}."


def _reason(segment: Segment, spans: tuple[SoundSpan, ...], named: tuple[tuple[float, float], ...]) -> str:
    lasts = max(segment.end - segment.start, 1e-3)
    for start, end in named:
        if min(end, segment.end) - max(start, segment.start) >= INSIDE * lasts:
            return f"in the passage {_clock(start)} to {_clock(end)}, which is to be kept"
    if is_song(segment.text):
        return f"{SUNG_REASON}: the text is marked as a song"
    share = shared_seconds(segment.start, segment.end, spans, "singing") / lasts
    return f"{SUNG_REASON}: {share:.0%} of the line is singing".replace("%", " %") if share >= SUNG else ""


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
