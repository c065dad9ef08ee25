"""What is known of a line's time before its schedule is made: its source, its voice, what is fixed of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dubkit.episode.context import Context
from dubkit.episode.store import canonical, decode_json
from dubkit.types import SAMPLE_RATE, Line, ScheduledLine, Segment, SpokenLine
from dubkit.voice.schedule.asked import HEARD_MS, Limits, Utterance
from dubkit.voice.schedule.blocks import LOOSE_MS
from stages.shared.dubbed_lines import dubbed_lines, lipdubbed_lines
from stages.shared.mouths import mouths_seen
from stages.shared.recording.recordings import given_ms, recorded_line, rooms_ms
from stages.shared.takes import chosen_speech
from stages.shared.voices import choose_voice, voice_of, voiceless


@dataclass(frozen=True, slots=True)
class AskedLine:
    """A line with what is known of its time before its length is asked.

    Another reading of a line gets the time of the first one, so that asking for it moves no other line.
    """

    segment: Segment
    line: Line
    voice: str
    placed: Utterance
    """With the length of the speech that is already there, else none."""


def asked_lines(context: Context) -> dict[str, AskedLine]:
    """Return the lines that get a time, by id."""
    seen, generated = mouths_seen(context), lipdubbed_lines(context)
    asked = {
        line.id: _ask(context, s, line, seen[s.id], line.id in generated) for s, line in dubbed_lines(context)
    }
    asked |= _recorded(context, [one for one in asked.values() if one.line.id not in generated])
    if all(one.placed.fixed_length_ms is not None for one in asked.values()):
        return asked
    if voiceless(context):  # what nobody recorded stays the source's
        return {name: one for name, one in asked.items() if one.placed.fixed_length_ms is not None}
    from dubkit.voice.length import reckoned_lengths

    about = reckoned_lengths(choose_voice(context).engine)
    for name, one in asked.items():
        if one.placed.fixed_length_ms is None:
            length = about.ask(one.line.text, voice=one.voice, language=context.language)
            placed = replace(one.placed, reckoned_ms=milliseconds(length.seconds))
            asked[name] = replace(one, placed=placed)
    return asked


def kept_lines(context: Context) -> list[Utterance]:
    """Return the lines whose own sound stays in the dub: nothing else may be spoken over them."""
    dubbed = {line.id for _, line in dubbed_lines(context)}
    return [
        Utterance(
            segment.id,
            segment.speaker,
            milliseconds(segment.start),
            milliseconds(segment.end),
            natural_ms=milliseconds(segment.end) - milliseconds(segment.start),
            fixed_start_ms=milliseconds(segment.start),
            fixed_length_ms=milliseconds(segment.end) - milliseconds(segment.start),
        )
        for segment, line in context.lines
        if line.id not in dubbed
    ]


def _ask(context: Context, segment: Segment, line: Line, seen: bool | None, generated: bool) -> AskedLine:
    begin, end = milliseconds(segment.start), milliseconds(segment.end)
    edit = context.placed.segments.get(segment.id)
    plain = Utterance(line.id, segment.speaker, begin, end, 0, seen)
    if edit is not None and edit.start is not None:
        plain = replace(plain, fixed_start_ms=begin)
    spoken = chosen_line(context, line.id)
    if spoken is not None:
        start, length = (
            milliseconds(spoken.start_sample / SAMPLE_RATE),
            milliseconds(spoken.samples / SAMPLE_RATE),
        )
        plain = replace(plain, natural_ms=length, fixed_start_ms=start, fixed_length_ms=length)
    elif generated:
        plain = replace(plain, natural_ms=end - begin, fixed_start_ms=begin, fixed_length_ms=end - begin)
    return AskedLine(segment, line, voice_of(context, segment), plain)


def _recorded(context: Context, asked: Sequence[AskedLine]) -> dict[str, AskedLine]:
    """Return the lines that people recorded: their length is that of the recording."""
    found: dict[str, AskedLine] = {}
    rooms: Mapping[str, int] = rooms_ms(context) if context.recordings.lines else {}
    for one in asked:
        recorded = recorded_line(context, one.line.id)
        if recorded is None or chosen_speech(context, one.line.id) is not None:
            continue
        begin, end = one.placed.start_ms, one.placed.end_ms
        if recorded.problem:  # the source's own sound stays
            placed = replace(
                one.placed, natural_ms=end - begin, fixed_start_ms=begin, fixed_length_ms=end - begin
            )
        else:
            placed = replace(
                one.placed,
                natural_ms=recorded.spoken_ms,
                fixed_start_ms=one.placed.fixed_start_ms if recorded.start_ms is None else recorded.start_ms,
                fixed_length_ms=given_ms(context, recorded, rooms[one.line.id]),
            )
        found[one.line.id] = replace(one, placed=placed)
    return found


def chosen_line(context: Context, line: str) -> SpokenLine | None:
    """Return the spoken take that a person chose for a line."""
    chosen = chosen_speech(context, line)
    record = context.store.take_record(chosen.take, context.language) if chosen else None
    return decode_json(canonical(record.value), SpokenLine) if record and record.value else None


def start_allowance(context: Context, line: ScheduledLine) -> float:
    """Return the seconds that a line may be heard before or after its source line begins."""
    return (2 * schedule_limits(context).frame_ms if line.seen else LOOSE_MS + HEARD_MS) / 1000


def milliseconds(seconds: float) -> int:
    """Return whole milliseconds."""
    return round(1000 * seconds)


def schedule_limits(context: Context) -> Limits:
    """Return what the schedule of an episode keeps to."""
    timing, video = context.settings.timing, context.episode.video
    frame = float(1000 / video.rate) if video is not None else 40.0
    end = 1000 * context.episode.samples // SAMPLE_RATE
    return Limits(end, timing.min_pace, timing.max_pace, timing.pacing, frame)
