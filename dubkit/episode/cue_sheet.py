"""The cues of a language: what is to be recorded, when it is spoken in the film, and to which file."""

from __future__ import annotations

import re
from fractions import Fraction

from dubkit.episode.context import Context
from dubkit.errors import DubkitError
from dubkit.formats.content import SheetRow
from dubkit.formats.timecode import frame_at, timecode
from dubkit.types import Line, Segment

STEPS = Fraction(25)
"""Frames a second of an episode without a picture."""


def cues(context: Context, speaker: str = "") -> list[tuple[Segment, Line]]:
    """Return the lines that people may record, in order of time, or those of one speaker.

    `speaker` is an id or a name. Raises DubkitError for a speaker that nobody is.
    """
    names = speaker_names(context)
    known = {segment.speaker for segment in context.segments}
    asked = {one for one in known if speaker.casefold() in (one.casefold(), names.get(one, "").casefold())}
    if speaker and not asked:
        there = ", ".join(sorted(names.get(one, one) for one in known))
        raise DubkitError(f"There is no speaker {speaker}; there are {there}.")
    return [
        (segment, line)
        for segment, line in context.lines
        if line.text and context.routes.get(line.id) != "keep" and (not speaker or segment.speaker in asked)
    ]


def sheet_rows(context: Context, speaker: str = "") -> list[SheetRow]:
    """Return the rows of a cue sheet. A timecode counts the frames of the source from its first."""
    names, video = speaker_names(context), context.episode.video
    rate, zero = (video.rate, video.start) if video is not None else (STEPS, Fraction(0))
    numbers = {line.id: number for number, (_, line) in enumerate(context.lines, 1)}
    rows = []
    for segment, line in cues(context, speaker):
        edit = context.placed.lines.get(line.id)
        character = names.get(segment.speaker, segment.speaker)
        notes = (edit.delivery, edit.note) if edit is not None else ()
        rows.append(
            SheetRow(
                cue=numbers[line.id],
                line=line.id,
                character=character,
                begin=timecode(frame_at(segment.start - zero, rate), rate),
                end=timecode(frame_at(segment.end - zero, rate), rate),
                seconds=round(segment.end - segment.start, 3),
                text=line.text,
                source=segment.text,
                note="; ".join(note for note in notes if note),
                file=file_name(line.id, character),
            )
        )
    return rows


def speaker_names(context: Context) -> dict[str, str]:
    """Return speaker -> the name that people know."""
    if not context.store.has("cast.json", context.language):
        return {}
    given = {speaker: edit.name for speaker, edit in context.speaker_edits.items() if edit.name}
    return {speaker.id: speaker.name for speaker in context.cast.speakers} | given


def file_name(line: str, character: str) -> str:
    """Return the name of the file that a cue is recorded to.

    >>> file_name("s0003", "Ana María")
    's0003_Ana-María.wav'
    """
    plain = re.sub(r"\W+", "-", character).strip("-_")[:40]
    return f"{line}_{plain}.wav" if plain else f"{line}.wav"
