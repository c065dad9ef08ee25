"""What a series knows of one person, and changes of it, field by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

import msgspec

By = Literal["heard", "edited", "told"]
"""Where a value comes from: dubkit found it, a person edited it in an episode, a person told the series."""


@dataclass(frozen=True, slots=True)
class Said:
    """A value of a person, and where it comes from."""

    value: str
    by: By = "told"
    source: str = ""
    """SHA-256 of the episode's source; empty where the series was told."""
    episode: str = ""
    """Name of that episode."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A person as one speaker of one episode."""

    source: str
    """SHA-256 of the episode's source."""
    speaker: str
    """Speaker.id there."""
    episode: str
    """Name of the episode."""
    folder: str
    """Folder of the episode when it was last run."""
    seconds: float
    """How long they speak alone."""
    pitch_hz: float
    """Median pitch; 0 where it could not be measured."""
    encoder: str
    """Name and hash of what made the embedding: two of different encoders are never compared."""
    embedding: tuple[float, ...]
    """Unit length."""
    reference: str = ""
    """WAV file in the person's folder with a piece of their speech; empty where there is none."""
    face: str = ""
    """Picture in the person's folder; empty where no face was seen."""
    voices: Mapping[str, str] = field(default_factory=dict)
    """Language and engine, such as `pt-BR/kokoro`, -> the voice that they had in the episode."""

    @property
    def key(self) -> str:
        """What tells it from others of the series."""
        return sighting_key(self.source, self.speaker)

    @property
    def files(self) -> tuple[str, ...]:
        """Files in the person's folder."""
        return tuple(name for name in (self.reference, self.face) if name)


def sighting_key(source: str, speaker: str) -> str:
    """Return what tells a speaker of an episode from others of the series."""
    return f"{source[:16]}.{speaker}"


@dataclass(frozen=True, slots=True)
class Person:
    """One person of a series: `people/<id>/person.json`."""

    id: str
    name: Said | None = None
    description: Said | None = None
    age: Said | None = None
    mode: Said | None = None
    """`preset`: a voice of the engine speaks; `clone`: the person's own; None: as the run says."""
    style: Said | None = None
    """How they speak, in words, where a line says nothing else."""
    voices: Mapping[str, Said] = field(default_factory=dict)
    """Language and engine, such as `pt-BR/kokoro`, -> voice."""
    sightings: Mapping[str, Sighting] = field(default_factory=dict)
    """By `Sighting.key`."""
    apart: tuple[str, ...] = ()
    """Ids of people who were said to be others, though they sound alike."""

    @property
    def called(self) -> str:
        """The name, else the id."""
        return self.name.value if self.name else self.id

    @property
    def files(self) -> frozenset[str]:
        """The files of their folder that are in use."""
        return frozenset(name for sighting in self.sightings.values() for name in sighting.files)

    @property
    def episodes(self) -> tuple[str, ...]:
        """The names of the episodes that they are in."""
        return tuple(sorted({sighting.episode for sighting in self.sightings.values()}))


TABLES: Mapping[str, type] = {"voices": Said, "sightings": Sighting}
"""Fields that hold values by name; a change names one of those: `voices/pt-BR/kokoro`."""


@dataclass(frozen=True, slots=True)
class PersonChange:
    """A new value for one field of a person; None takes the value away."""

    person: str
    field: str
    after: Any
    before: Any = None
    """The value before; filled in when the change is made."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One act in the history of the people of a series: all of it can be undone at once."""

    number: int
    at: float
    """Seconds since 1970."""
    who: str
    """Empty for what a run noted."""
    action: str
    sentence: str
    changes: tuple[PersonChange, ...]
    undoes: int = 0
    """Number of the entry that this one takes back."""


def value_of(person: Person, name: str) -> Any:
    """Return the value of a field as plain JSON; None where there is none."""
    table, slash, key = name.partition("/")
    value = getattr(person, table)
    found = value.get(key) if slash else value
    return plain(found) if found else None


def plain(value: Any) -> Any:
    """Return a value as JSON has it: what was read from a file and what was just made compare as equal."""
    return msgspec.json.decode(msgspec.json.encode(value))


def with_value(person: Person, name: str, after: Any) -> Person:
    """Return the person with another value of a field."""
    table, slash, key = name.partition("/")
    if not slash:
        kinds = {entry.name: entry for entry in fields(Person)}
        if name == "apart":
            return replace(person, apart=tuple(after or ()))
        assert name in kinds
        assert name not in TABLES
        said: Any = None if after is None else msgspec.convert(after, Said)
        return replace(person, **{name: said})
    entries: dict[str, Any] = dict(getattr(person, table))
    entries.pop(key, None)
    if after is not None:
        entries[key] = msgspec.convert(after, TABLES[table])
    in_order: Any = dict(sorted(entries.items()))
    return replace(person, **{table: in_order})


def changed(
    people: Mapping[str, Person], changes: Sequence[PersonChange]
) -> tuple[dict[str, Person], tuple[PersonChange, ...]]:
    """Return the people after some changes, without those of whom nothing is left, and the changes in full.

    A change that changes nothing is left out. Values may be dataclasses or plain JSON.
    """
    after, made = dict(people), []
    for change in changes:
        person = after.get(change.person) or Person(change.person)
        before, new = value_of(person, change.field), plain(change.after) or None
        if before == new:
            continue
        after[change.person] = with_value(person, change.field, new)
        made.append(replace(change, before=before, after=new))
    return {name: one for name, one in after.items() if one != Person(name)}, tuple(made)


def person_of(people: Mapping[str, Person], source: str, speaker: str) -> Person | None:
    """Return the person who is a speaker of an episode; None where nobody knows."""
    key = sighting_key(source, speaker)
    return next((person for person in people.values() if key in person.sightings), None)
