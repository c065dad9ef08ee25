"""What a request may do: dependencies of the routes.

The guard (`dubkit.web.http.guard`) has identified the person before a route runs, and has refused whoever
may not come in at all. The dependencies here require a role, or an episode that the person may see.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request
from sqlalchemy import delete, select

from dubkit.episode.folders import find_source, unchanged_source
from dubkit.episode.store import HIDDEN, EpisodeStore
from dubkit.web.accounts.input_readers import OPEN, input_readers
from dubkit.web.accounts.names import safe_name
from dubkit.web.accounts.people import EVERYBODY, NOBODY, Person, Role
from dubkit.web.accounts.tables import Grant
from dubkit.web.database import ACCOUNTS
from dubkit.web.site import OnSite, Site

REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"description": "Nobody is logged in, or the token is not valid."},
    403: {"description": "The role is too low, or the X-CSRF-Token header is missing or wrong."},
}
"""Errors that any route may answer; for the OpenAPI document."""


def the_person(request: Request) -> Person:
    """Return the person a request is from. Raises HTTP 401 when nobody is logged in."""
    person: Person | None = getattr(request.state, "person", None)
    if person is None:
        raise HTTPException(401, "Log in, or send a token in the Authorization header.")
    return person


Somebody = Annotated[Person, Depends(the_person)]


def _at_least(person: Person, role: Role) -> Person:
    if not person.may(role):
        raise HTTPException(403, f"This needs the role {role}; {person.name} has the role {person.role}.")
    return person


def _viewer(person: Somebody) -> Person:
    return _at_least(person, "viewer")


def _editor(person: Somebody) -> Person:
    return _at_least(person, "editor")


def _admin(person: Somebody) -> Person:
    return _at_least(person, "admin")


Viewer = Annotated[Person, Depends(_viewer)]
Editor = Annotated[Person, Depends(_editor)]
Admin = Annotated[Person, Depends(_admin)]


@dataclass(frozen=True, slots=True)
class EpisodeFolder:
    """An episode that the person may see."""

    name: str
    store: EpisodeStore
    source: Path | None
    """The media file it was made from, if known; the file may no longer exist."""


@dataclass(frozen=True, slots=True)
class Readers:
    """Who may see an episode, besides admins."""

    owners: frozenset[str]
    """People whose jobs made it, and whose upload it was made from; empty when it was made on the command
    line from a file of everybody."""
    others: frozenset[str]
    """People it was shared with; `EVERYBODY` stands for all."""

    def include(self, person: Person) -> bool:
        """Tell whether a person may see it."""
        among = person.name in self.owners or bool(self.others & {person.name, EVERYBODY})
        return among or person.may("admin")

    def may_share(self, person: Person) -> bool:
        """Tell whether a person may share it with others."""
        return person.name in self.owners or person.may("admin")


def readers_of(site: Site, episodes: Collection[str]) -> dict[str, Readers]:
    """Return who may see each of the episodes.

    Everybody may see one without an owner, until it is shared with named people.
    """
    owners = site.queue.owners_of(episodes)
    for name, uploader in _uploaders(site, episodes).items():
        owners[name] |= {uploader}
    granted: dict[str, set[str]] = {name: set() for name in episodes}
    with site.database.reading() as session:
        for grant in session.scalars(select(Grant).where(Grant.episode.in_(episodes))):
            granted[grant.episode].add(grant.person)
    readers = {}
    for name in episodes:
        others = granted[name] or (set() if owners[name] else {EVERYBODY})
        readers[name] = Readers(owners[name], frozenset(others - {NOBODY}))
    return readers


def _uploaders(site: Site, episodes: Collection[str]) -> dict[str, str]:
    """Return whose upload each of the episodes was made from; those of files of everybody are left out."""
    known = input_readers(site.database)
    if not known:
        return {}
    base = site.inputs.resolve()
    uploaders: dict[str, str] = {}
    for name in episodes:
        source = unchanged_source(EpisodeStore(site.output / name))
        if source is not None and source.is_relative_to(base):
            owner = known.get(source.relative_to(base).as_posix(), OPEN).owner
            uploaders |= {name: owner} if owner else {}
    return uploaders


def readers(site: Site, episode: str) -> Readers:
    """Return who may see an episode."""
    return readers_of(site, [episode])[episode]


def may_see(site: Site, person: Person, episode: str) -> bool:
    """Tell whether a person may see an episode."""
    return person.may("admin") or readers(site, episode).include(person)


def closed_to(site: Site, person: Person) -> frozenset[str]:
    """Return the episodes that a person has jobs on but may no longer see."""
    if person.may("admin"):
        return frozenset()
    readers = readers_of(site, site.queue.episodes(person.name))
    return frozenset(name for name, those in readers.items() if not those.include(person))


def is_shared_with(site: Site, person: Person, episode: str) -> bool:
    """Tell whether an episode exists and belongs to others: a job on it does not make it this person's."""
    exists = (site.output / episode / HIDDEN).is_dir()
    return exists and person.name not in readers(site, episode).owners


def seen_episodes(site: Site, person: Person, episodes: Collection[str]) -> frozenset[str]:
    """Return those of some episodes that a person may see."""
    if person.may("admin"):
        return frozenset(episodes)
    return frozenset(name for name, who in readers_of(site, episodes).items() if who.include(person))


def set_readers(site: Site, episode: str, people: Iterable[str]) -> None:
    """Share an episode with these people, and besides its owners and admins with nobody else."""
    with site.database.transaction(ACCOUNTS) as session:
        session.execute(delete(Grant).where(Grant.episode == episode))
        session.add_all(Grant(episode=episode, person=name) for name in {*people, NOBODY})


def episode_folder(site: Site, person: Person, episode: str) -> EpisodeFolder:
    """Open an episode by the name of its folder.

    Raises HTTP 404 when there is none, and also when the person may not see it.
    """
    name = safe_name(episode)
    root = site.output / name
    exists = root.is_dir() and (root / HIDDEN).is_dir() and root.resolve().parent == site.output.resolve()
    if not exists or not may_see(site, person, name):
        raise HTTPException(404, f"There is no episode {name}.")
    store = EpisodeStore(root)
    return EpisodeFolder(name, store, find_source(store))


def _open_episode(site: OnSite, person: Viewer, episode: str) -> EpisodeFolder:
    return episode_folder(site, person, episode)


OpenEpisode = Annotated[EpisodeFolder, Depends(_open_episode)]
