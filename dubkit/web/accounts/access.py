"""What a request may do: dependencies of the routes.

The guard (`dubkit.web.accounts.guard`) has found out who asks before a route runs, and has refused whoever
may not come in at all. The dependencies here ask for a role, or for an episode the person may see.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request
from sqlalchemy import select

from dubkit.episodes import find_source
from dubkit.store import HIDDEN, EpisodeStore
from dubkit.web.accounts.names import safe_name
from dubkit.web.accounts.people import EVERYBODY, Person, Role
from dubkit.web.accounts.tables import Grant
from dubkit.web.database import ACCOUNTS
from dubkit.web.site import OnSite, Site

REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"description": "Nobody is logged in, or the token is not valid."},
    403: {"description": "The role is too low, or the X-CSRF-Token header is missing or wrong."},
}
"""What any route may answer besides its own; for the OpenAPI document."""


def the_person(request: Request) -> Person:
    """Return who asks. Raises HTTP 401 when nobody is logged in."""
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
    """An episode that the person who asks may see."""

    name: str
    store: EpisodeStore
    source: Path | None
    """The media file it was made from, as far as it is known; the file may be gone."""


def may_see(site: Site, person: Person, episode: str) -> bool:
    """Tell whether a person may see an episode.

    Admins see all. Others see an episode one of whose jobs is theirs, that was granted to them or to
    everybody, or that no job has touched: it was made on the command line.
    """
    if person.may("admin"):
        return True
    owners = site.queue.owners(episode)
    return not owners or person.name in owners or bool(granted(site, episode) & {person.name, EVERYBODY})


def stay_shared(site: Site, episode: str) -> None:
    """Let everybody go on seeing an episode that no job has touched, whoever works on it from now on."""
    made = (site.output / episode / HIDDEN).is_dir()
    if made and not site.queue.owners(episode) and not granted(site, episode):
        with site.database.transaction(ACCOUNTS) as session:
            session.merge(Grant(episode=episode, person=EVERYBODY))


def granted(site: Site, episode: str) -> frozenset[str]:
    """Return who was given an episode besides its owners."""
    with site.database.reading() as session:
        return frozenset(session.scalars(select(Grant.person).where(Grant.episode == episode)))


def episode_folder(site: Site, person: Person, episode: str) -> EpisodeFolder:
    """Open an episode by the name of its folder.

    Raises HTTP 404 when there is none or the person may not see it: both look the same from outside.
    """
    name = safe_name(episode)
    root = site.output / name
    here = root.is_dir() and (root / HIDDEN).is_dir() and root.resolve().parent == site.output.resolve()
    if not here or not may_see(site, person, name):
        raise HTTPException(404, f"There is no episode {name}.")
    store = EpisodeStore(root)
    return EpisodeFolder(name, store, find_source(store))


def _open_episode(site: OnSite, person: Viewer, episode: str) -> EpisodeFolder:
    return episode_folder(site, person, episode)


OpenEpisode = Annotated[EpisodeFolder, Depends(_open_episode)]
