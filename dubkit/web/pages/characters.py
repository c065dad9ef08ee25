"""The characters page: the speakers of each episode, with their names, descriptions and voices."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from dubkit.episode.context import Context, finished_languages
from dubkit.review.opening import of_folder
from dubkit.review.speakers import SpeakerRow, speakers
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
    )


def _lines(context: Context, rows: list[SpeakerRow]) -> dict[str, list[LineChoice]]:
    lines: dict[str, list[LineChoice]] = {row.id: [] for row in rows}
    for segment in context.segments:
        lines[segment.speaker].append(LineChoice(segment.id, segment.start, segment.end, segment.text))
    return lines
