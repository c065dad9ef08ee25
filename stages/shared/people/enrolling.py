"""What a series learns from an episode: who is in it, and the names and voices that they have there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dubkit.episode.context import Context
from dubkit.series.people.book import Draft, content_name
from dubkit.series.people.matching import Match, Recalled
from dubkit.series.people.person import (
    Entry,
    Person,
    PersonChange,
    Said,
    Sighting,
    person_of,
    sighting_key,
)
from stages.shared.cast_file import SpeakerNotes, speaker_notes
from stages.shared.people.memory import open_book, own, recalled, voice_name

if TYPE_CHECKING:
    from dubkit.types import Speaker

ENROL, LEARN = "enrol", "learn"
"""Acts of runs in the history."""


def enrol(context: Context) -> None:
    """Note who is in the episode, as it was recognised. What people moved since stays where they put it."""
    found = recalled(context)
    pieces = [context.store.path(name) for name in (*found.files.values(), *found.faces.values())]

    def make(people: Mapping[str, Person], _history: Sequence[Entry]) -> Draft:
        changes = [change for match in found.matches for change in _seen(context, people, found, match)]
        there = {sighting_key(context.sha256, match.heard.speaker) for match in found.matches}
        gone = [
            PersonChange(person.id, f"sightings/{key}", None)
            for person in people.values()
            for key, sighting in person.sightings.items()
            if sighting.source == context.sha256 and key not in there
        ]
        return Draft(ENROL, f"who speaks in {context.store.root.name}", [*gone, *changes])

    open_book(context).change("", make, {content_name(path): path for path in pieces if path.is_file()})


def _seen(
    context: Context, people: Mapping[str, Person], found: Recalled, match: Match
) -> list[PersonChange]:
    """Return what is noted of a speaker: nothing where nobody is enrolled."""
    heard, before = match.heard, person_of(people, context.sha256, match.heard.speaker)
    key = sighting_key(context.sha256, heard.speaker)
    noted = before.sightings[key] if before else None
    # Who was heard anew counts as recognised now: speakers may have other names than before.
    same = noted is not None and (noted.encoder, noted.embedding) == (found.encoder, heard.embedding)
    owner = before.id if before and (same or not match.person) else match.person
    if not owner:
        return []
    sighting = sighting_of(context, match, before)
    moved = [PersonChange(before.id, f"sightings/{key}", None)] if before and before.id != owner else []
    return [*moved, PersonChange(owner, f"sightings/{key}", sighting)]


def sighting_of(context: Context, match: Match, before: Person | None) -> Sighting:
    """Return what the series notes of a speaker; `before` is the person whom it took them for until now."""
    heard, found = match.heard, recalled(context)
    noted = before.sightings.get(sighting_key(context.sha256, heard.speaker)) if before else None
    reference, face = (_content(context, name) for name in found.kept(heard.speaker))
    return Sighting(
        context.sha256,
        heard.speaker,
        context.store.root.name,
        str(context.store.root.resolve()),
        heard.seconds,
        heard.pitch_hz,
        found.encoder,
        heard.embedding,
        reference,
        face,
        voices=noted.voices if noted else {},
    )


def _content(context: Context, name: str) -> str:
    """Return the name under which the series keeps a file of the episode; empty where there is none."""
    return content_name(context.store.path(name)) if name and context.store.has(name) else ""


def learn(context: Context, engine: str) -> None:
    """Note the names, descriptions and voices of an episode's cast in a language.

    What a person said counts more than what was found, and what the series was told more than what was said
    in an episode; of two episodes, the first keeps its word.
    """
    known, cast = context.people, context.cast
    if not known:
        return
    notes = {speaker.id: speaker_notes(context, speaker.id) for speaker in cast.speakers}

    def make(people: Mapping[str, Person], _history: Sequence[Entry]) -> Draft:
        changes = []
        for speaker in cast.speakers:
            person = person_of(people, context.sha256, speaker.id)
            if person is not None:
                changes += _learned(context, person, speaker, notes[speaker.id], engine)
        return Draft(LEARN, f"the cast of {context.store.root.name} in {context.language}", changes)

    open_book(context).change("", make)


def _learned(
    context: Context, person: Person, speaker: Speaker, notes: SpeakerNotes, engine: str
) -> list[PersonChange]:
    offered = {
        "name": (person.name, notes.name, speaker.name),
        "description": (person.description, notes.description, speaker.description),
        "age": (person.age, notes.age, ""),
    }
    changes = []
    if engine and speaker.voice:
        key = voice_name(context, engine)
        offered[f"voices/{key}"] = (person.voices.get(key), notes.voice, speaker.voice)
        sighting = person.sightings[sighting_key(context.sha256, speaker.id)]
        voices = {**sighting.voices, key: speaker.voice}
        changes.append(PersonChange(person.id, f"sightings/{sighting.key}", _with_voices(sighting, voices)))
    for name, (current, said, found) in offered.items():
        value = _said(context, said, "edited") or _said(context, found, "heard")
        if _replaces(context, current, value):
            changes.append(PersonChange(person.id, name, value))
    return changes


def _with_voices(sighting: Sighting, voices: Mapping[str, str]) -> Sighting:
    from dataclasses import replace

    return replace(sighting, voices=dict(sorted(voices.items())))


def _said(context: Context, value: str, by: str) -> Said | None:
    if not value:
        return None
    return Said(value, "edited" if by == "edited" else "heard", context.sha256, context.store.root.name)


def _replaces(context: Context, current: Said | None, new: Said | None) -> bool:
    """Tell whether a value of the episode takes the place of the one that the series has."""
    if current is None:
        return new is not None
    if own(context, current):
        return True
    return new is not None and new.by == "edited" and current.by == "heard" and new.value != current.value
