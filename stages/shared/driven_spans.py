"""When lips follow given speech: the time of the source line, and as much after it as the speech may take."""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise

from dubkit.episode.context import Context
from dubkit.errors import DubkitError
from dubkit.types import SAMPLE_RATE, Segment
from stages.shared.asked_lines import chosen_line
from stages.shared.recording.recordings import given_ms, recorded_line, rooms_ms
from stages.shared.voices import choose_voice, voice_of

SLACK = 1.15
"""How much longer speech may be than its length is reckoned from the text."""
BREATH = 0.06
"""Seconds that stay free before the next line."""

Span = tuple[float, float]


def driven_spans(context: Context, lines: Collection[str]) -> dict[str, Span]:
    """Return line -> seconds of the episode in which the picture follows its speech, for some lines.

    Speech that is there already has its own time. What is not spoken yet may run into the pause after its
    source line, as far as the length of its text suggests.
    """
    ordered = sorted(context.segments, key=lambda segment: (segment.start, segment.id))
    limits = {one.id: after.start - BREATH for one, after in pairwise(ordered)}
    texts = {line.id: line.text for _, line in context.lines}
    end = context.episode.samples / SAMPLE_RATE
    spans: dict[str, Span] = {}
    for segment in ordered:
        if segment.id not in lines:
            continue
        there = _there(context, segment)
        if there is not None:
            first, last = there
        else:
            first, limit = segment.start, limits.get(segment.id, end)
            seconds = SLACK * _reckoned(context, texts[segment.id], voice_of(context, segment))
            last = min(first + seconds, limit)
        spans[segment.id] = min(segment.start, first), max(segment.end, last)
    return spans


def _there(context: Context, segment: Segment) -> Span | None:
    """Return the time of speech that is there already: a take that a person chose, or a recording."""
    spoken = chosen_line(context, segment.id)
    if spoken is not None:
        first = spoken.start_sample / SAMPLE_RATE
        return first, first + spoken.samples / SAMPLE_RATE
    recorded = recorded_line(context, segment.id)
    if recorded is None or recorded.problem:
        return None
    start = segment.start if recorded.start_ms is None else recorded.start_ms / 1000
    return start, start + given_ms(context, recorded, rooms_ms(context)[segment.id]) / 1000


def _reckoned(context: Context, text: str, voice: str) -> float:
    """Return about how many seconds a text takes; 0 where nothing here speaks the language."""
    from dubkit.voice.length import reckoned_lengths

    try:
        lengths = reckoned_lengths(choose_voice(context).engine)
    except DubkitError:
        return 0.0
    return lengths.ask(text, voice=voice, language=context.language).seconds
