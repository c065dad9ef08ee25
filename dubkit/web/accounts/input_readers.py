"""Who may use a file of the input folder: an upload is its uploader's until it is shared.

A file that was put into the folder by hand has no row here and is everybody's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import delete, select

from dubkit.web.accounts.people import EVERYBODY, LOCAL, Person
from dubkit.web.accounts.tables import InputReader
from dubkit.web.database import ACCOUNTS, Database


@dataclass(frozen=True, slots=True)
class InputReaders:
    """Who may use one file, besides admins."""

    owner: str = ""
    """Who uploaded it; empty for a file of everybody."""
    others: frozenset[str] = frozenset()
    """People it is shared with; `EVERYBODY` stands for all."""

    def include(self, person: Person) -> bool:
        """Tell whether a person may use it."""
        free = not self.owner or EVERYBODY in self.others
        return free or person.name in (self.owner, *self.others) or person.may("admin")

    def may_share(self, person: Person) -> bool:
        """Tell whether a person may share or delete it."""
        return person.may("admin") or (bool(self.owner) and person.name == self.owner)


OPEN = InputReaders()
"""A file of everybody."""


def input_readers(database: Database) -> Mapping[str, InputReaders]:
    """Return who may use the files that were uploaded, by name below the input folder."""
    owners: dict[str, str] = {}
    others: dict[str, set[str]] = {}
    with database.reading() as session:
        for row in session.scalars(select(InputReader)):
            if row.owner:
                owners[row.input] = row.person
            else:
                others.setdefault(row.input, set()).add(row.person)
    return {name: InputReaders(owner, frozenset(others.get(name, ()))) for name, owner in owners.items()}


def readers_of_input(database: Database, name: str) -> InputReaders:
    """Return who may use one file."""
    with database.reading() as session:
        rows = session.scalars(select(InputReader).where(InputReader.input == name)).all()
    owner = next((row.person for row in rows if row.owner), "")
    return InputReaders(owner, frozenset(row.person for row in rows if not row.owner)) if owner else OPEN


def claim_input(database: Database, name: str, owner: str, others: Iterable[str] = ()) -> None:
    """Make a file somebody's, whoever had it.

    It stays so when the file is gone: nobody else gets the name, nor what was made from the file.
    What the user of a machine without users uploads stays everybody's.
    """
    with database.transaction(ACCOUNTS) as session:
        session.execute(delete(InputReader).where(InputReader.input == name))
        if owner and owner != LOCAL.name:
            session.add(InputReader(input=name, person=owner, owner=True))
            shared = set(others) - {owner}
            session.add_all(InputReader(input=name, person=person, owner=False) for person in shared)


def share_input(database: Database, name: str, people: Iterable[str]) -> None:
    """Share an upload with these people, and besides its uploader and admins with nobody else."""
    claim_input(database, name, readers_of_input(database, name).owner, people)


def forget_input(database: Database, name: str) -> None:
    """Make a file everybody's."""
    with database.transaction(ACCOUNTS) as session:
        session.execute(delete(InputReader).where(InputReader.input == name))
