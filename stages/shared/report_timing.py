"""What the report shows of the timing, from what is known of each line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dubkit.episode.context import Context
from dubkit.episode.line_timing import LineTiming, line_timings
from stages.shared.dubbed_lines import dubbed_lines

if TYPE_CHECKING:
    from dubkit.episode.line_states import LineState
    from dubkit.qc.report.model import LineCard, LineTimes, ReportModel
    from dubkit.qc.timing import TimedLine


def shows_timing(context: Context) -> bool:
    """Tell whether words or times are fitted; without either the report says nothing of it."""
    return context.settings.timing.fit or context.settings.timing.scheduled


def timing_inputs(context: Context) -> dict[str, str]:
    """Return the records of words and times that fit, by their content, for the key of the report."""
    if not shows_timing(context):
        return {}
    there = [
        name for name in ("adaptation.json", "schedule.json") if context.store.has(name, context.language)
    ]
    return {name: context.artifact_digest(name, context.language) for name in there}


def with_timing(context: Context, model: ReportModel, states: Sequence[LineState]) -> ReportModel:
    """Return the page with strips and figures of the timing, where words or times are fitted."""
    from dubkit.qc.timing import timing_figures

    if not shows_timing(context):
        return model
    timings = line_timings(context, states)
    dubbed = {line.id for _, line in dubbed_lines(context)}
    cards = tuple(
        replace(card, times=_times(card, timings[card.id])) if card.id in dubbed else card
        for card in model.lines
    )
    return replace(model, lines=cards, timing=timing_figures(timed_lines(context, timings)))


def timed_lines(context: Context, timings: Mapping[str, LineTiming]) -> list[TimedLine]:
    """Return the dubbed lines as they are heard in the source and in the dub."""
    from dubkit.qc.text import units
    from dubkit.qc.timing import TimedLine

    def words(text: str) -> int:
        return len(units(text, context.language))

    timed = []
    for segment, line in dubbed_lines(context):
        timing = timings[line.id]
        begin, length = timing.spoken_start, timing.spoken
        timed.append(
            TimedLine(
                id=line.id,
                source=(segment.start, segment.end),
                dub=None if begin is None or length is None else (begin, begin + length),
                pace=_pace(timing),
                cut=timing.cut,
                too_long=timing.too_long,
                seen=timing.seen,
                first_words=words(timing.first) if timing.first else 0,
                words=words(line.text) if timing.first else 0,
            )
        )
    return timed


def _times(card: LineCard, timing: LineTiming) -> LineTimes:
    from dubkit.qc.report.model import LineTimes

    other = timing.first if timing.first != card.target_text else ""
    return LineTimes(
        predicted=timing.predicted,
        given_start=timing.given_start,
        given=timing.given,
        pace=_pace(timing),
        start_error=timing.start_error,
        too_long=timing.too_long,
        spoken=bool(card.speech),
        first=other,
        why=timing.why if other else "",
    )


def _pace(timing: LineTiming) -> float | None:
    return timing.spoken_pace if timing.spoken_pace is not None else timing.pace
