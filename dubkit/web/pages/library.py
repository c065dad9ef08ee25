"""The library page: every episode that a person may see, with the state of each language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from dubkit.translate.language import language_name
from dubkit.web.accounts.access import Viewer, readers
from dubkit.web.accounts.people import EVERYBODY, Person
from dubkit.web.api.episodes import EpisodeRow
from dubkit.web.pages.jobs import KINDS, running_jobs
from dubkit.web.pages.library_cache import LibraryCache
from dubkit.web.site import OnSite, Site
from dubkit.web.templating import page as show_page

router = APIRouter(include_in_schema=False)

NO_SERIES = "No series"
PAGE = 25
"""Episodes on one page."""
RUNNING = 5
"""Jobs that the library shows; the others are in the list of jobs."""
SORTS = {"changed": "Changed last", "open": "Most to look at"}
"""Orders of the library besides that by name -> what they are called."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """Who may see an episode, for the form that changes it."""

    people: tuple[str, ...]
    everybody: bool
    words: str
    """Everyone who may see it, in words."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which episodes of the library are shown, and in which order."""

    text: str = ""
    show: str = ""
    sort: str = ""
    page: int = 1

    def query(self, page: int) -> dict[str, str]:
        """Return the query of another page of the same list."""
        asked = {
            "text": self.text,
            "show": self.show,
            "sort": self.sort,
            "page": str(page) if page > 1 else "",
        }
        return {name: value for name, value in asked.items() if value}


@router.get("/")
def library_page(
    request: Request,
    site: OnSite,
    person: Viewer,
    text: str = "",
    show: str = "",
    sort: str = "",
    page: str = "",
) -> HTMLResponse:
    """Show the episodes, a page at a time, those of a series together."""
    cache = library_cache(request)
    cards = cache.rows(site, person)
    number = int(page) if page.isdecimal() and len(page) < 6 else 1
    choice = Choice(text[:200], show if show in SHOWN else "", sort if sort in SORTS else "", max(1, number))
    found = _chosen(cards, choice, cache)
    pages = max(1, -(-len(found) // PAGE))
    choice = replace(choice, page=min(choice.page, pages))
    here = found[(choice.page - 1) * PAGE : choice.page * PAGE]
    return show_page(
        request,
        person,
        "library.html",
        series=[("", here)] if choice.sort else by_series(here),
        number=len(cards),
        found=len(found),
        choice=choice,
        pages=pages,
        sorts=SORTS,
        shows=SHOWN,
        sharing={card.name: sharing for card in here if (sharing := _sharing(site, person, card.name))},
        inputs=site.inputs.name,
        **_running(site, person),
    )


@router.get("/running")
def running_part(request: Request, site: OnSite, person: Viewer) -> HTMLResponse:
    """Show the jobs that have not ended; a part of the library page."""
    return show_page(request, person, "running.html", **_running(site, person))


def _running(site: Site, person: Person) -> dict[str, Any]:
    """Return the first jobs that have not ended, and whether there are more."""
    jobs = running_jobs(site, person)
    return {"running": jobs[:RUNNING], "more_running": len(jobs) > RUNNING, "kinds": KINDS}


def _chosen(cards: Sequence[EpisodeRow], choice: Choice, cache: LibraryCache) -> list[EpisodeRow]:
    """Return the episodes that are asked for, in the order that is asked for."""
    wanted = choice.text.casefold().split()
    found = (
        [card for card in cards if all(word in _searched(card) for word in wanted)] if wanted else list(cards)
    )
    if choice.show:
        found = [card for card in found if SHOWN[choice.show][1](card)]
    if choice.sort == "changed":
        return sorted(found, key=lambda card: -cache.changed(card.name))
    if choice.sort == "open":
        return sorted(found, key=lambda card: -_to_look_at(card))
    return [card for _, of_series in by_series(found) for card in of_series]


def _searched(card: EpisodeRow) -> str:
    languages = " ".join(f"{row.tag} {language_name(row.tag)}" for row in card.languages)
    return f"{card.name} {card.source} {card.series} {languages}".casefold()


def _to_look_at(card: EpisodeRow) -> int:
    """Return how much of an episode wants a look."""
    return sum(row.to_look_at for row in card.languages)


SHOWN: dict[str, tuple[str, Callable[[EpisodeRow], bool]]] = {
    "review": ("With something to look at", lambda card: _to_look_at(card) > 0),
    "open": ("With lines that nobody accepted", lambda card: any(row.open for row in card.languages)),
    "finished": (
        "Finished",
        lambda card: bool(card.languages) and all(row.finished for row in card.languages),
    ),
    "unfinished": (
        "Not finished",
        lambda card: not all(row.finished for row in card.languages) or not card.languages,
    ),
}
"""Name of a filter -> what it is called, and which episodes it lets through."""


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
