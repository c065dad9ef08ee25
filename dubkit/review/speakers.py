"""Speakers: rename and describe them, merge and split them, assign lines to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dubkit.episode.changes import relock, segment_change
from dubkit.episode.context import Context
from dubkit.episode.edits.events import Change, Event
from dubkit.errors import EditRefused
from dubkit.review.changes import Desk
from dubkit.review.references import ReferenceRow, reference_row
from dubkit.review.rules import check_text


@dataclass(frozen=True, slots=True)
class SpeakerRow:
    """A speaker of the episode. `seconds` is how long they speak."""

    id: str
    name: str
    description: str
    guessed: bool
    pitch_hz: float
    voice: str
    lines: int
    seconds: float
    sample: tuple[float, float]
    """Start and end of a line to hear the voice in."""
    reference: ReferenceRow | None = None
    """What the voice is cloned from; None where no voice is cloned."""


@dataclass(frozen=True, slots=True)
class SpeakerChange:
    """What to change about a speaker; None leaves a field as it is, an empty text takes its edit back."""

    name: str | None = None
    description: str | None = None
    voice: str | None = None


def speakers(context: Context) -> list[SpeakerRow]:
    """Return the speakers as cast, with the edits applied."""
    cast = (
        {s.id: s for s in context.cast.speakers} if context.store.has("cast.json", context.language) else {}
    )
    edits = context.speaker_edits
    rows = []
    for speaker in sorted({segment.speaker for segment in context.segments}):
        spoken = [s for s in context.segments if s.speaker == speaker]
        member, edit = cast.get(speaker), edits.get(speaker)
        longest = max(spoken, key=lambda s: (min(s.end - s.start, 6.0), -s.start))
        rows.append(
            SpeakerRow(
                id=speaker,
                name=(edit and edit.name) or (member.name if member else speaker),
                description=(edit and edit.description) or (member.description if member else ""),
                guessed=bool(member and member.guessed and not (edit and edit.description)),
                pitch_hz=member.pitch_hz if member else 0.0,
                voice=(edit and edit.voice) or (member.voice if member else ""),
                lines=len(spoken),
                seconds=round(sum(s.end - s.start for s in spoken), 3),
                sample=(longest.start, longest.end),
                reference=reference_row(context, speaker),
            )
        )
    return rows


def describe_speaker(desk: Desk, speaker: str, change: SpeakerChange) -> Event | None:
    """Change name and description of a speaker (in every language) or voice (in this one)."""
    desk.rules.check_speaker(speaker)
    changes = []
    for field in ("name", "description", "voice"):
        value = getattr(change, field)
        if value is not None:
            check_text(speaker, field, value)
            flat = " ".join(value.split()) or None
            if flat is not None and len(flat) > 200:
                raise EditRefused(f"{speaker}: {field} has {len(flat)} characters; 200 are the most.")
            if field == "voice" and flat is not None:
                desk.rules.check_voice(flat)
            language = desk.context.language if field == "voice" else ""
            changes.append(Change("speakers", speaker, field, flat, language))
    return desk.make(changes, "speaker")


def assign(desk: Desk, lines: Sequence[str], speaker: str = "", name: str = "") -> Event | None:
    """Assign lines to a speaker, or (no speaker) to a new one with that name.

    Raises EditRefused for a locked line and for an unknown speaker.
    """
    if speaker:
        desk.rules.check_speaker(speaker)
    target = speaker or new_speaker(desk.context)
    changes = [_give(desk, line, target) for line in lines]
    if not speaker and name.strip():
        check_text(target, "name", name)
        changes.append(Change("speakers", target, "name", " ".join(name.split())))
    return desk.make(changes, "assign", desk.drop_takes(lines))


def merge_speakers(desk: Desk, merged: Sequence[str], into: str) -> Event | None:
    """Merge speakers who are the same person: all their lines get the speaker `into`.

    This includes locked lines in every language, as the line itself does not change.
    """
    desk.rules.check_speaker(into)
    for speaker in merged:
        desk.rules.check_speaker(speaker)
    if into in merged:
        raise EditRefused(f"{into} cannot be merged into itself.")
    lines = [segment.id for segment in desk.context.segments if segment.speaker in merged]
    changes: list[Change] = []
    for line in lines:
        changes.append(segment_change(desk.context, line, "speaker", into))
        changes += relock(desk.context, line, into)
    return desk.make(changes, "merge speakers", desk.drop_takes(lines))


def find_speaker(context: Context, name: str) -> str:
    """Return the id of a speaker given by id or by unique name. Raises EditRefused."""
    rows = speakers(context)
    if any(row.id == name for row in rows):
        return name
    ids = [row.id for row in rows if row.name.casefold() == name.strip().casefold()]
    if len(ids) == 1:
        return ids[0]
    if ids:
        raise EditRefused(f"{name} is the name of {' and '.join(ids)}: name the speaker by id.")
    there = ", ".join(f"{row.id} ({row.name})" for row in rows)
    raise EditRefused(f"There is no speaker {name}; there are {there}.")


def new_speaker(context: Context) -> str:
    """Return an id that no speaker has or had before."""
    taken = {s.speaker for s in (*context.transcript.segments, *context.segments)}
    taken |= {*context.shared_edits.speakers, *context.diarization.embeddings}
    number = 1
    while f"spk{number}" in taken:
        number += 1
    return f"spk{number}"


def _give(desk: Desk, line: str, speaker: str) -> Change:
    if desk.rules.is_locked(line):
        raise EditRefused(f"{line} is locked. Unlock it first.")
    if line not in {segment.id for segment in desk.context.segments}:
        raise EditRefused(f"There is no line {line} in {desk.context.language}.")
    return segment_change(desk.context, line, "speaker", speaker)
