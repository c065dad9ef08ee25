"""What people should know of the people of a series: doubtful ones, and words that differ."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING

from dubkit.episode.context import Context
from dubkit.errors import DubkitError
from dubkit.series.people.matching import Match
from dubkit.series.people.person import Person, Said, person_of
from dubkit.types import Remark, remark
from dubkit.voice.wishes import read_wish
from stages.shared.cast_file import speaker_notes
from stages.shared.people.memory import foreign, open_book, recalled, voice_name
from stages.shared.voices import choose_voice

if TYPE_CHECKING:
    from dubkit.voice.engine import VoiceEngine


def people_remarks(context: Context) -> list[Remark]:
    """Return questions about people who may be somebody of the series, and what differs between the two."""
    people = open_book(context).people()
    remarks = []
    for match in recalled(context).matches:
        person = person_of(people, context.sha256, match.heard.speaker)
        remarks += _question(context, people, match, person)
        if person is not None:
            remarks += _differing(context, match.heard.speaker, person)
    return remarks


def _question(
    context: Context, people: Mapping[str, Person], match: Match, person: Person | None
) -> list[Remark]:
    """Return the question whether a speaker is a person of the series, until somebody has answered it."""
    nearest = people.get(match.maybe)
    answered = person is not None and (person.id != match.person or match.maybe in person.apart)
    if match.verdict != "doubtful" or nearest is None or answered or nearest is person:
        return []
    speaker = match.heard.speaker
    name = person.called if person else speaker
    said = f"{name} ({speaker}) may be {nearest.called} of the series: likeness {match.score:.2f}"
    said += f", and {match.next_score:.2f} to the next voice." if match.next_score else "."
    if person is None:
        place = shlex.quote(str(context.store.root))
        return [_asked(f"{said} If so: dubkit characters enrol {place} {speaker} --as {nearest.id}")]
    place = _place(context)
    same = f"dubkit characters merge {person.id} --into {nearest.id}{place}"
    other = f"dubkit characters keep-apart {person.id} {nearest.id}{place}"
    return [_asked(f"{said} The same person: {same}; another one: {other}")]


def _asked(sentence: str) -> Remark:
    return remark("people-unsure", sentence)


def _place(context: Context) -> str:
    assert context.series is not None
    return f" --series {shlex.quote(str(context.series.file))}"


def _differing(context: Context, speaker: str, person: Person) -> list[Remark]:
    """Return where people said one thing in the episode, and another one elsewhere."""
    notes = speaker_notes(context, speaker)
    fields: dict[str, tuple[str, Said | None]] = {
        "name": (notes.name, person.name),
        "description": (notes.description, person.description),
        "age": (notes.age, person.age),
    }
    engine, remarks = _engine(context), list[Remark]()
    if engine:
        key = voice_name(context, engine.name)
        fields["voice"] = (notes.voice, person.voices.get(key))
        if not notes.voice and key not in person.voices:
            remarks += _elsewhere(context, person, engine)
        remarks += _unheeded(person, engine)
    for name, (here, there) in fields.items():
        other = foreign(context, there)
        if there is None or not here or not other or here == other or there.by == "heard":
            continue
        where = f"in {there.episode}" if there.episode else "in the series"
        remarks.append(
            remark(
                "people-differ",
                f"The {name} of {speaker} is {here!r} here and {other!r} {where} ({person.id}): each keeps "
                "its own.",
            )
        )
    return remarks


def _unheeded(person: Person, engine: VoiceEngine) -> list[Remark]:
    """Return that an engine cannot speak as the series says of a person."""
    wish = read_wish(person.style.value) if person.style is not None else None
    if wish is None or wish.understood or "style" in engine.abilities:
        return []
    said = (
        f"{engine.sentence_name} cannot be told {wish.delivery.words!r}, so {person.called} speaks plainly."
    )
    return [remark("delivery-unheeded", said)]


def _elsewhere(context: Context, person: Person, engine: VoiceEngine) -> list[Remark]:
    chosen = {
        key.partition("/")[2]: said.value
        for key, said in person.voices.items()
        if key.partition("/")[0] == context.language and said.by != "heard"
    }
    return [
        remark(
            "people-voice-elsewhere",
            f"{person.called} was given the voice {voice} of {other}; {engine.sentence_name} speaks here.",
        )
        for other, voice in chosen.items()
    ]


def _engine(context: Context) -> VoiceEngine | None:
    """Return the voice engine of the language; None where nothing speaks it."""
    if not context.language:
        return None
    try:
        return choose_voice(context).engine
    except DubkitError:
        return None
