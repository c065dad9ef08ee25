"""The library page: every episode that a person may see, with the state of each language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from dubkit.web.accounts.access import Viewer, readers
from dubkit.web.accounts.people import EVERYBODY, Person
from dubkit.web.api.episodes import EpisodeRow
from dubkit.web.pages.jobs import KINDS, running_jobs
from dubkit.web.pages.library_cache import LibraryCache
from dubkit.web.site import OnSite, Site
from dubkit.web.templating import page

router = APIRouter(include_in_schema=False)

NO_SERIES = "No series"


@dataclass(frozen=True, slots=True)
class Sharing:
    """Who may see an episode, for the form that changes it."""

    people: tuple[str, ...]
    everybody: bool
    words: str
    """Everyone who may see it, in words."""


@router.get("/")
def library_page(request: Request, site: OnSite, person: Viewer) -> HTMLResponse:
    """Show every episode, those of a series together."""
    cards = library_cache(request).rows(site, person)
    return page(
        request,
        person,
        "library.html",
        series=by_series(cards),
        number=len(cards),
        running=running_jobs(site, person),
        kinds=KINDS,
        sharing={card.name: sharing for card in cards if (sharing := _sharing(site, person, card.name))},
        inputs=site.inputs.name,
    )


def library_cache(request: Request) -> LibraryCache:
    """Return the cache of the application that answers."""
    state = request.app.state
    if not hasattr(state, "library_cache"):
        state.library_cache = LibraryCache()
    cache: LibraryCache = state.library_cache
    return cache


def by_series(cards: Sequence[EpisodeRow]) -> list[tuple[str, list[EpisodeRow]]]:
    """Group episodes by series, those without one last."""
    names = sorted({card.series for card in cards}, key=lambda name: (not name, name.casefold()))
    return [(name or NO_SERIES, [card for card in cards if card.series == name]) for name in names]


def _sharing(site: Site, person: Person, episode: str) -> Sharing | None:
    """Return how an episode is shared; None unless the person may change that (owners and admins)."""
    who = readers(site, episode)
    if not (person.may("editor") and who.may_share(person)):
        return None
    others = tuple(sorted(who.others - {EVERYBODY}))
    if EVERYBODY in who.others:
        return Sharing(others, True, "everybody with a login")
    names = ["you"] if person.name in who.owners else []
    names += sorted((who.owners | who.others) - {person.name})
    return Sharing(others, False, f"{', '.join(names)} and admins" if names else "admins only")
