"""Where every stretch of a dub's sound and picture comes from, as an episode's records have it."""

from __future__ import annotations

from collections.abc import Sequence

from dubkit.deliver.statement import LineStatement, Origin, Stretch, TrackStatement
from dubkit.episode.context import Context
from dubkit.episode.line_states import LineState, line_states
from dubkit.types import SAMPLE_RATE, SpokenLine
from stages.shared.finished_dub import picture_report
from stages.shared.recording.recordings import ENGINE as RECORDING

MARKED = "mix.mark"


def sound_track(context: Context, number: int, rest: Origin = "source") -> TrackStatement:
    """Say where the sound of a dub comes from; `rest` is what is heard where nothing is spoken anew."""
    takes = [(span.id, context.spoken_line(span.id)) for span in context.mix_report.spans]
    stretches = [
        Stretch(
            round(take.start_sample / SAMPLE_RATE, 3),
            round((take.start_sample + take.samples) / SAMPLE_RATE, 3),
            origin_of(take),
            take.engine,
            line,
        )
        for line, take in takes
    ]
    marked = bool(stretches) and is_marked(context)
    return TrackStatement("sound", number, context.language, rest, tuple(stretches), marked)


def is_marked(context: Context) -> bool:
    """Tell whether the mix as it lies there was made with the mark."""
    record = context.record("mix", "episode")
    return record is not None and record.parts.settings.get(MARKED) == "on"


def picture_track(context: Context, number: int) -> TrackStatement | None:
    """Say where the picture of a dub comes from; None for an episode without one."""
    video, report = context.episode.video, picture_report(context)
    if video is None:
        return None
    language = context.language if report else ""
    stretches: list[Stretch] = []
    for first, last, origin in report.spans if report else ():
        if origin == "source":
            continue
        made: Origin = "source-recoded" if origin == "recoded" else "generated"
        by = "" if origin == "recoded" else f"{context.clips.engine} {origin}"
        start, end = (round(float(frame / video.rate), 3) for frame in (first, last))
        stretches.append(Stretch(start, end, made, by))
    return TrackStatement("picture", number, language, "source", tuple(stretches))


def source_track(kind_number: int) -> TrackStatement:
    """Say that a sound track is the source's own."""
    return TrackStatement("sound", kind_number, "", "source")


def origin_of(take: SpokenLine) -> Origin:
    """Say what a take is: a person's recording, or generated speech."""
    return "recorded" if take.engine == RECORDING else "generated"


def line_statements(context: Context) -> tuple[LineStatement, ...]:
    """Say of every line how it was made, and how people left it."""
    return tuple(_line(state) for state in line_states(context))


def _line(state: LineState) -> LineStatement:
    take, segment = state.take, state.segment
    word = "locked" if state.locked else "accepted" if state.accepted else "open"
    word = "to look at" if state.to_look_at else word
    if take is None or not state.line.text or state.line.route == "keep":
        return LineStatement(
            state.line.id, state.number, segment.start, segment.end, segment.speaker, "source", state=word
        )
    return LineStatement(
        state.line.id,
        state.number,
        round(take.start_sample / SAMPLE_RATE, 3),
        round((take.start_sample + take.samples) / SAMPLE_RATE, 3),
        segment.speaker,
        origin_of(take),
        take.engine,
        take.voice,
        word,
    )


def seconds_of(stretches: Sequence[Stretch], second: int) -> Origin | None:
    """Return what is heaviest in a second: generated before recorded before coded again; None for nothing."""
    here = {s.origin for s in stretches if s.start < second + 1 and s.end > second}
    order: tuple[Origin, ...] = ("generated", "recorded", "source-recoded", "silence", "source")
    return next((origin for origin in order if origin in here), None)
