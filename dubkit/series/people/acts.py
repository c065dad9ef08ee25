"""What people do with the people of a series: name, merge and split them, give them voices, undo."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dubkit.errors import EditConflict, EditRefused
from dubkit.series.people.book import Draft, PeopleBook
from dubkit.series.people.person import Entry, Person, PersonChange, Said, value_of

LONGEST = 200
"""Characters that a name or a description may have."""
RANKS: Mapping[str, int] = {"heard": 0, "edited": 1, "told": 2}


@dataclass(frozen=True, slots=True)
class Hand:
    """One person's hand on the people of a series."""

    book: PeopleBook
    who: str

    def tell(self, name: str, field: str, value: str) -> Entry | None:
        """Tell the series a value of a person; an empty one takes it back.

        `field` is that of `Person`, or `voices/LANGUAGE/ENGINE`.
        """
        flat = " ".join(value.split())
        if len(flat) > LONGEST:
            raise EditRefused(f"{field} has {len(flat)} characters; {LONGEST} are the most.")

        def make(people: Mapping[str, Person], _history: Sequence[Entry]) -> Draft:
            person = find_person(people, name)
            said = f"{person.called}: {_plain(field)} {flat or 'taken back'}"
            return Draft("tell", said, [PersonChange(person.id, field, Said(flat) if flat else None)])

        return self.book.change(self.who, make)

    def merge(self, names: Sequence[str], into: str) -> Entry | None:
        """Make one person of several: `into` gets what the others have, and keeps what it has itself."""

        def make(people: Mapping[str, Person], _history: Sequence[Entry]) -> Draft:
            target = find_person(people, into)
            merged = [find_person(people, name) for name in dict.fromkeys(names)]
            if target in merged:
                raise EditRefused(f"{target.called} ({target.id}) cannot be merged into itself.")
            changes = [change for person in merged for change in _given(target, person)]
            changes += [change for person in merged for change in _emptied(person)]
            called = " and ".join(person.called for person in merged)
            return Draft("merge", f"{called} merged into {target.called}", changes)

        return self.book.change(self.who, make)

    def split(self, name: str, episode: str, speaker: str = "", called: str = "") -> Entry | None:
        """Make a new person of what somebody is in one episode: they were two people."""

        def make(people: Mapping[str, Person], _history: Sequence[Entry]) -> Draft:
            person = find_person(people, name)
            moved = {
                key: sighting
                for key, sighting in person.sightings.items()
                if sighting.episode == episode and speaker in ("", sighting.speaker)
            }
            if not moved:
                there = ", ".join(f"{s.episode} {s.speaker}" for s in person.sightings.values())
                raise EditRefused(f"{person.called} is not in {episode} {speaker}; they are in: {there}.")
            if len(moved) == len(person.sightings):
                raise EditRefused(f"{person.called} is in nothing else, so nothing would be left to split.")
            new = "p" + hashlib.sha256("\n".join((person.id, *sorted(moved))).encode()).hexdigest()[:6]
            taken = {other.called for other in people.values()}
            number = next(n for n in range(1, 10_000) if f"Speaker {n}" not in taken)
            changes = [PersonChange(person.id, f"sightings/{key}", None) for key in moved]
            changes += [PersonChange(new, f"sightings/{key}", sighting) for key, sighting in moved.items()]
            changes.append(PersonChange(new, "name", Said(called or f"Speaker {number}")))
            changes += _apart(people, person.id, new)
            return Draft("split", f"{called or f'Speaker {number}'} split from {person.called}", changes)

        return self.book.change(self.who, make)

    def keep_apart(self, one: str, other: str) -> Entry | None:
        """Note that two people who sound alike are two, so that nobody is asked again."""

        def make(people: Mapping[str, Person], _history: Sequence[Entry]) -> Draft:
            first, second = find_person(people, one), find_person(people, other)
            if first is second:
                raise EditRefused(f"{first.called} ({first.id}) is one person; name two.")
            said = f"{first.called} and {second.called} are two people"
            return Draft("keep apart", said, _apart(people, first.id, second.id))

        return self.book.change(self.who, make)

    def undo(self, number: int = 0) -> Entry | None:
        """Take back an act by its number, else the last one that this person did and that still stands.

        Raises EditRefused where there is none, EditConflict where the same was changed since.
        """

        def make(people: Mapping[str, Person], history: Sequence[Entry]) -> Draft:
            entry = _to_undo(history, self.who, number)
            for change in entry.changes:
                now = value_of(people.get(change.person) or Person(change.person), change.field)
                if not _stands(change, now):
                    what = f"{_plain(change.field)} of {change.person}"
                    raise EditConflict(
                        f"Change {entry.number} ({entry.sentence}) cannot be undone: {what} was changed "
                        "since.\nUndo the later change first, or set it anew."
                    )
            changes = [PersonChange(c.person, c.field, _before(people, c)) for c in reversed(entry.changes)]
            return Draft("undo", f"undone: {entry.sentence}", changes, entry.number)

        return self.book.change(self.who, make)


def find_person(people: Mapping[str, Person], name: str) -> Person:
    """Return the person of an id or a name. Raises EditRefused where it is nobody's, or several have it."""
    if name in people:
        return people[name]
    found = [p for p in people.values() if p.called.casefold() == name.strip().casefold()]
    if len(found) == 1:
        return found[0]
    if found:
        ids = " and ".join(person.id for person in found)
        raise EditRefused(f"{name} is the name of {ids}: name the person by id.")
    there = ", ".join(f"{person.id} ({person.called})" for person in people.values())
    raise EditRefused(
        f"The series knows no {name!r}; it knows {there}." if there else "The series knows nobody yet."
    )


def _stands(change: PersonChange, now: Any) -> bool:
    """Tell whether what a change made is still so; of a speaker, whose it is: runs note more of it."""
    if change.field.startswith("sightings/"):
        return (now is None) == (change.after is None)
    return bool(now == change.after)


def _before(people: Mapping[str, Person], change: PersonChange) -> Any:
    """Return what a change that is undone brings back: a speaker as they are noted now."""
    table, _, key = change.field.partition("/")
    if table != "sightings" or change.before is None:
        return change.before
    return next((p.sightings[key] for p in people.values() if key in p.sightings), change.before)


def _plain(field: str) -> str:
    table, _, key = field.partition("/")
    return {"voices": f"voice for {key}", "sightings": f"speaker {key}"}.get(table, field)


def _given(target: Person, person: Person) -> list[PersonChange]:
    """Return what a person who is merged leaves to another."""
    changes = [PersonChange(target.id, f"sightings/{key}", s) for key, s in person.sightings.items()]
    theirs = {name: getattr(person, name) for name in ("name", "description", "age", "mode", "style")}
    theirs |= {f"voices/{key}": said for key, said in person.voices.items()}
    for name, said in theirs.items():
        own = value_of(target, name)
        if said is not None and (own is None or RANKS[said.by] > RANKS[own["by"]]):
            changes.append(PersonChange(target.id, name, said))
    return changes


def _emptied(person: Person) -> list[PersonChange]:
    names = ["name", "description", "age", "mode", "style", "apart"]
    names += [f"voices/{key}" for key in person.voices]
    names += [f"sightings/{key}" for key in person.sightings]
    return [PersonChange(person.id, name, None) for name in names]


def _apart(people: Mapping[str, Person], one: str, other: str) -> list[PersonChange]:
    changes = []
    for here, there in ((one, other), (other, one)):
        person = people.get(here) or Person(here)
        changes.append(PersonChange(here, "apart", tuple(sorted({*person.apart, there}))))
    return changes


def _to_undo(history: Sequence[Entry], who: str, number: int) -> Entry:
    undone = {entry.undoes for entry in history if entry.undoes}
    standing = [e for e in history if e.who and not e.undoes and e.number not in undone]
    if number:
        found = next((entry for entry in standing if entry.number == number), None)
        if found is None:
            known = ", ".join(str(entry.number) for entry in standing) or "none"
            raise EditRefused(f"Change {number} is none that can be undone; there are: {known}.")
        return found
    mine = [entry for entry in standing if entry.who == who]
    if not mine:
        raise EditRefused("There is nothing of yours to undo. `dubkit characters history` has all changes.")
    return mine[-1]
