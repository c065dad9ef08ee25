"""The characters pages: the speakers of each episode, and the people of its series over all episodes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from dubkit.episode.context import Context, finished_languages
from dubkit.review.opening import of_folder
from dubkit.review.speakers import SpeakerRow, speakers
from dubkit.series.people.book import PeopleBook
from dubkit.series.people.person import Person
from dubkit.translate.language import language_name
from dubkit.web.accounts.access import OpenEpisode, Viewer
from dubkit.web.pages.library import by_series, library_cache
from dubkit.web.site import OnSite
from dubkit.web.templating import page

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class LineChoice:
    """A line of a speaker, to be ticked when the speaker is split."""

    id: str
    start: float
    end: float
    text: str


@router.get("/characters")
def characters_page(
    request: Request, site: OnSite, person: Viewer, episode: str = "", language: str = ""
) -> HTMLResponse:
    """Show the episodes by series; the people of an episode are loaded when it is opened."""
    cards = library_cache(request).rows(site, person)
    dubbed = [card for card in cards if card.languages]
    opened = episode or (dubbed[0].name if dubbed else "")
    return page(
        request, person, "characters.html", series=by_series(dubbed), opened=opened, language=language
    )


@router.get("/characters/{episode}/{language}")
def people_part(
    request: Request, site: OnSite, person: Viewer, episode: OpenEpisode, language: str
) -> HTMLResponse:
    """Show the people of one episode in one language; a part of the page."""
    context = of_folder(site.session, episode.store.root)
    tags = finished_languages(context)
    if language not in tags:
        raise HTTPException(404, f"{episode.name} has no lines in that language.")
    here = context.fresh(language)
    rows = speakers(here)
    return page(
        request,
        person,
        "people.html",
        episode=episode.name,
        language=language,
        languages=[(tag, language_name(tag)) for tag in tags],
        rows=rows,
        lines=_lines(here, rows),
        has_source=episode.source is not None and episode.source.is_file(),
        has_series=here.series is not None,
    )


@dataclass(frozen=True, slots=True)
class SeriesPerson:
    """A person of a series, as far as somebody may see the episodes."""

    id: str
    name: str
    description: str
    voices: tuple[tuple[str, str], ...]
    """Language with its engine, and the voice."""
    episodes: tuple[str, ...]
    seconds: float
    pitch_hz: float


@router.get("/episodes/{episode}/people")
def series_page(request: Request, site: OnSite, person: Viewer, episode: OpenEpisode) -> HTMLResponse:
    """Show the people of an episode's series: those of episodes that the person may see."""
    context = of_folder(site.session, episode.store.root)
    if context.series is None:
        raise HTTPException(404, f"{episode.name} belongs to no series: there is no series.toml above it.")
    visible = {card.name for card in library_cache(request).rows(site, person)}
    known = PeopleBook(context.series.data).people().values()
    rows = [row for row in (_series_person(one, visible) for one in known) if row.episodes]
    return page(
        request,
        person,
        "series_people.html",
        episode=episode.name,
        series=context.series.root.name,
        rows=rows,
    )


def _series_person(person: Person, visible: Collection[str]) -> SeriesPerson:
    seen = [sighting for sighting in person.sightings.values() if sighting.episode in visible]
    pitches = [sighting.pitch_hz for sighting in seen if sighting.pitch_hz]
    return SeriesPerson(
        person.id,
        person.called,
        person.description.value if person.description else "",
        tuple((key.replace("/", ", "), said.value) for key, said in person.voices.items()),
        tuple(sorted({sighting.episode for sighting in seen})),
        sum(sighting.seconds for sighting in seen),
        sum(pitches) / len(pitches) if pitches else 0.0,
    )


def _lines(context: Context, rows: list[SpeakerRow]) -> dict[str, list[LineChoice]]:
    lines: dict[str, list[LineChoice]] = {row.id: [] for row in rows}
    for segment in context.segments:
        lines[segment.speaker].append(LineChoice(segment.id, segment.start, segment.end, segment.text))
    return lines
