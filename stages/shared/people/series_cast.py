"""What people say about the speakers of an episode, with what its series knows where they say nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dubkit.episode.context import Context
from dubkit.errors import VoiceError
from dubkit.series.people.person import Person, Said
from dubkit.types import Age, Remark, remark
from stages.shared.cast_file import AGES, SpeakerNotes, speaker_notes
from stages.shared.people.memory import (
    foreign,
    kept,
    open_book,
    recalled,
    remembers,
    voice_name,
)
from stages.shared.voices import voices_of

if TYPE_CHECKING:
    from dubkit.voice.engine import VoiceEngine


@dataclass(frozen=True, slots=True)
class SeriesCast:
    """What is known of the speakers of an episode before their voices are chosen."""

    context: Context
    told: Mapping[str, SpeakerNotes] = field(default_factory=dict)
    """Speaker -> what the episode's people say, and the series where they say nothing."""
    heard: frozenset[str] = frozenset()
    """Speakers whose description is a guess that the series keeps."""
    by_hand: frozenset[str] = frozenset()
    """Speakers whose voice a person chose for the series."""
    held: frozenset[str] = frozenset()
    """Voices of the series' people who are not in the episode."""
    remarks: tuple[Remark, ...] = ()

    def notes(self, speaker: str) -> SpeakerNotes:
        """Return what is known of a speaker."""
        return self.told.get(speaker) or speaker_notes(self.context, speaker)

    def guessed(self, speaker: str) -> bool:
        """Tell whether nobody said the description of a speaker."""
        return not self.notes(speaker).description or speaker in self.heard

    def chosen(self, speaker: str) -> bool:
        """Tell whether a person chose the voice of a speaker."""
        return speaker in self.by_hand or bool(speaker_notes(self.context, speaker).voice)


def series_cast(context: Context, engine: VoiceEngine | None) -> SeriesCast:
    """Return what is known of the speakers, with their voices of an engine.

    Without a series it is what people say of them in the episode.
    """
    if not remembers(context):
        return SeriesCast(context)
    known = context.people
    key = voice_name(context, engine.name) if engine and context.settings.cast.voice_mode != "single" else ""
    told, remarks, heard, by_hand = {}, [], set(), set()
    for match in recalled(context).matches:
        speaker = match.heard.speaker
        notes, person = speaker_notes(context, speaker), known.get(speaker)
        if person is None:
            told[speaker] = replace(notes, name=notes.name or match.called)
            continue
        voice = person.voices.get(key)
        if voice and not notes.voice and engine and (lost := _lost(context, engine, voice.value)):
            said = f"The voice of {person.called} in the series is not there, so another one is cast: {lost}"
            remarks.append(remark("people-voice-lost", said))
            voice = None
        told[speaker] = _filled(context, notes, person, voice, match.called)
        if not notes.description and _guess(context, person, notes):
            heard.add(speaker)
        if voice and not notes.voice and voice.by != "heard":
            by_hand.add(speaker)
    people = open_book(context).people()
    present = {person.id for person in known.values()}
    held = {p.voices[key].value for p in people.values() if p.id not in present and key in p.voices}
    return SeriesCast(context, told, frozenset(heard), frozenset(by_hand), frozenset(held), tuple(remarks))


def _filled(
    context: Context, notes: SpeakerNotes, person: Person, voice: Said | None, called: str
) -> SpeakerNotes:
    """Return what the episode's people say, and what the series knows where they say nothing."""
    age = notes.age or _age(kept(context, person.age))
    description = notes.description or _description(context, person, notes)
    return SpeakerNotes(
        notes.name or kept(context, person.name) or called,
        description,
        notes.voice or kept(context, voice),
        age,
    )


def _description(context: Context, person: Person, notes: SpeakerNotes) -> str:
    """Return the series' description; a guess only from another episode, and where no age says more."""
    said = person.description
    if said is None or (said.by == "heard" and notes.age):
        return ""
    return foreign(context, said)


def _guess(context: Context, person: Person, notes: SpeakerNotes) -> bool:
    said = person.description
    return said is not None and said.by == "heard" and bool(_description(context, person, notes))


def _age(value: str) -> Age:
    return next((age for age in AGES if age == value), "")


def _lost(context: Context, engine: VoiceEngine, voice: str) -> str:
    """Return why an engine has no such voice now; empty where it has."""
    listed = voices_of(context, engine)
    try:
        if listed is not None:
            listed.check(engine.sentence_name, voice)
    except VoiceError as error:
        return str(error).splitlines()[0]
    return ""
