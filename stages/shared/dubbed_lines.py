"""Which lines are dubbed, and which of them by generated clips."""

from __future__ import annotations

from dubkit.episode.context import Context
from dubkit.types import Clip, Line, Segment


def dubbed_lines(context: Context) -> list[tuple[Segment, Line]]:
    """Return the lines to be dubbed by any engine: translated, and not left in the source's own sound."""
    routes = context.routes
    return [(s, line) for s, line in context.lines if line.text and routes.get(line.id) != "keep"]


LEAST_SPEECH = 0.1
"""Seconds of speech in a source line from which its level is that of a voice."""


def lines_without_speech(context: Context) -> frozenset[str]:
    """Return the segments during which nobody was heard to speak in the source.

    Their sound is noise, music or silence, so it says nothing of how loud a voice should be.
    """
    if not context.store.has("diarization.json"):
        return frozenset()
    turns = context.diarization.turns
    return frozenset(
        segment.id
        for segment in context.segments
        if sum(max(0.0, min(turn.end, segment.end) - max(turn.start, segment.start)) for turn in turns)
        < min(LEAST_SPEECH, (segment.end - segment.start) / 2)
    )


def driven_lines(context: Context) -> frozenset[str]:
    """Return the lines whose speech is given to the generator, which makes the picture for it."""
    return frozenset(line for line, route in context.routes.items() if route == "drive")


def driven_clips(context: Context) -> list[Clip]:
    """Return the clips that are made for given speech: all their lines are such lines."""
    driven = driven_lines(context)
    return [clip for clip in context.planned_clips if driven.intersection(clip.lines)]


def is_driven(context: Context, clip: Clip) -> bool:
    """Tell whether a clip is made for given speech."""
    return any(context.routes.get(line) == "drive" for line in clip.lines)


def lipdubbed_lines(context: Context) -> frozenset[str]:
    """Return the lines whose speech comes from generated clips."""
    return frozenset(line for line, route in context.routes.items() if route == "lipdub")
