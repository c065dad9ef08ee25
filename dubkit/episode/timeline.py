"""An episode on tracks: the source's picture, and the takes of each speaker where they are heard."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from urllib.parse import quote

from dubkit.episode.context import Context
from dubkit.episode.cue_sheet import STEPS, speaker_names
from dubkit.formats.timeline import Timeline, TimelineClip, TimelineTrack, lanes
from dubkit.types import SAMPLE_RATE, SpokenLine
from dubkit.types.remarks import Tell, remark

_SAMPLES = Fraction(SAMPLE_RATE)


def timeline_of(context: Context, beside: Path | None = None, tell: Tell | None = None) -> Timeline:
    """Return the tracks of a language; `tell` hears of lines that are not on them.

    Files are named by their way from the folder `beside`, or from the episode's own.
    """
    names = speaker_names(context)
    by_speaker: dict[str, list[TimelineClip]] = {}
    left_out = []
    for segment, line in context.lines:
        spoken, file = spoken_line(context, line.id), context.take_file(line.id)
        if spoken is None or file is None:
            left_out += [line.id] if line.text else []
            continue
        clip = _clip(context, spoken, file, beside)
        if clip is not None:
            by_speaker.setdefault(segment.speaker, []).append(clip)
    if left_out and tell is not None:
        sentence = f"{len(left_out)} lines have no take of their own: {', '.join(left_out)}."
        tell(remark("timeline-line-left-out", sentence))
    sounds = tuple(
        TimelineTrack(f"{names.get(speaker, speaker)}{f' {number}' if number > 1 else ''}", lane)
        for speaker, clips in by_speaker.items()
        for number, lane in enumerate(lanes(clips), 1)
    )
    video = context.episode.video
    rate = video.rate if video is not None else STEPS
    return Timeline(rate, _length(context), _picture(context, beside), sounds)


def spoken_line(context: Context, line: str) -> SpokenLine | None:
    """Return what is known of a line's take; None where it has none, or the source's sound is kept."""
    if context.take_file(line) is None or context.routes.get(line) == "keep":
        return None
    try:
        return context.spoken_line(line)
    except KeyError:
        return None


def way(file: Path, context: Context, beside: Path | None) -> str:
    """Return how a file is named in another: as the address of its way from that file's folder."""
    home = beside if beside is not None else context.store.root.absolute()
    return quote(Path(os.path.relpath(file.absolute(), home)).as_posix())


def _zero(context: Context) -> Fraction:
    """Return the seconds from the episode's zero to the first frame."""
    video = context.episode.video
    return video.start if video is not None else Fraction(0)


def _length(context: Context) -> Fraction:
    video = context.episode.video
    return Fraction(video.frames) / video.rate if video is not None else context.episode.duration


def _picture(context: Context, beside: Path | None) -> TimelineTrack:
    video = context.episode.video
    if video is None:
        return TimelineTrack("Picture", ())
    name, link = context.episode.name, way(context.source, context, beside)
    clip = TimelineClip(name, context.source, link, Fraction(0), _length(context), video.rate)
    return TimelineTrack("Picture", (clip,))


def _clip(context: Context, spoken: SpokenLine, file: Path, beside: Path | None) -> TimelineClip | None:
    """Return a take on its track; None where it is over before the picture begins."""
    start = Fraction(spoken.start_sample, SAMPLE_RATE) - _zero(context)
    before = min(Fraction(0), start)
    length = Fraction(spoken.samples, SAMPLE_RATE) + before
    if length <= 0:
        return None
    link = way(file, context, beside)
    return TimelineClip(
        spoken.id, file, link, start - before, length, _SAMPLES, source_start=-before, text=spoken.text
    )
