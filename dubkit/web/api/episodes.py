"""The episodes in the output folder over HTTP."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query

from dubkit.episode.context import Context
from dubkit.episode.store import HIDDEN
from dubkit.errors import DubkitError
from dubkit.review.opening import of_folder
from dubkit.studio import episode_summary
from dubkit.types.telling import Noticed
from dubkit.web.accounts.access import OpenEpisode, Viewer, seen_episodes
from dubkit.web.accounts.people import Person
from dubkit.web.site import OnSite, Site

router = APIRouter(prefix="/api/episodes", tags=["episodes"])


@dataclass(frozen=True, slots=True)
class LanguageState:
    """A language of an episode: verdict in words, lines by how they stand, and those that need a look.

    `accepted` (and not locked), `locked` and `open` add up to `lines`; those that `failed` are among those
    `to_look_at`.
    """

    tag: str
    verdict: str
    lines: int
    failed: int
    to_look_at: int
    accepted: int
    locked: int
    open: int
    flags: tuple[str, ...]
    """The lines to look at, each with why: those that failed first."""
    finished: bool


@dataclass(frozen=True, slots=True)
class EpisodeRow:
    """An episode in the library. `duration` is in seconds, 0 until the source is probed."""

    name: str
    source: str
    """File name of the source."""
    series: str
    """Folder of the source below the input folder; empty when it is directly in it or elsewhere."""
    duration: float
    languages: tuple[LanguageState, ...]
    has_video: bool
    thumbnail: str
    """URL of a picture; empty when there is none."""
    degraded: tuple[str, ...]
    """What is degraded or doubtful, in words."""
    remarks: tuple[Noticed, ...] = ()
    """What was noticed, the heaviest first; in the list of all episodes only the first 20."""


MOST_LISTED = 20


@router.get("")
def read_episodes(
    site: OnSite,
    person: Viewer,
    text: Annotated[str, Query(max_length=255, description="Part of the name.")] = "",
    sort: Annotated[
        Literal["name", "changed"], Query(description="`changed` begins with the newest.")
    ] = "name",
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
    after: Annotated[str, Query(max_length=255, description="Last episode of the previous page.")] = "",
) -> list[EpisodeRow]:
    """Return the episodes that you may see, in pages."""
    folders = [f for f in seen_folders(site, person) if text.casefold() in f.name.casefold()]
    if sort == "changed":
        folders.sort(key=lambda folder: (-folder.stat().st_mtime_ns, folder.name))
    names = [folder.name for folder in folders]
    start = names.index(after) + 1 if after in names else 0
    rows = (episode_row(site, folder) for folder in folders[start : start + limit])
    return [replace(row, remarks=row.remarks[:MOST_LISTED]) for row in rows]


@router.get(
    "/{episode}", responses={404: {"description": "There is no such episode, or you may not see it."}}
)
def read_episode(site: OnSite, folder: OpenEpisode) -> EpisodeRow:
    """Return one episode."""
    return episode_row(site, folder.store.root)


def episode_folders(site: Site) -> list[Path]:
    """Return the episode folders of a site, by name."""
    if not site.output.is_dir():
        return []
    return sorted(path for path in site.output.iterdir() if (path / HIDDEN / "source.json").is_file())


def seen_folders(site: Site, person: Person) -> list[Path]:
    """Return the folders of the episodes that a person may see, by name."""
    folders = episode_folders(site)
    seen = seen_episodes(site, person, [folder.name for folder in folders])
    return [folder for folder in folders if folder.name in seen]


def episode_row(site: Site, folder: Path) -> EpisodeRow:
    """Return the row of an episode in the library; a damaged one is shown as such, without an error."""
    context = of_folder(site.session, folder)
    name, source = folder.name, context.source
    try:
        episode = context.episode if context.store.has("episode.json") else None
        summary = episode_summary(context, kept=True)
        languages = tuple(
            LanguageState(
                tag=row.tag, verdict=row.verdict, flags=row.flags, finished=row.finished, **asdict(row.lines)
            )
            for row in summary.languages
        )
        thumbnail = _thumbnail(context, name) if episode and episode.video else ""
        degraded = tuple(dict.fromkeys(summary.degraded))
    except DubkitError as error:
        return EpisodeRow(name, source.name, series_of(site, source), 0.0, (), False, "", (str(error),))
    return EpisodeRow(
        name=name,
        source=source.name,
        series=series_of(site, source),
        duration=float(episode.duration) if episode else 0.0,
        languages=languages,
        has_video=bool(episode and episode.video),
        thumbnail=thumbnail,
        degraded=degraded,
        remarks=tuple(summary.remarks),
    )


def _thumbnail(context: Context, name: str) -> str:
    """Return the URL of the picture of the first shot; empty while there is none."""
    shots = context.shots.shots if context.store.has("shots.json") else ()
    if not shots or not context.store.has(f"thumbnails/{shots[0].id}.jpg"):
        return ""
    return f"/media/{quote(name, safe='')}/shots/{quote(shots[0].id, safe='')}.jpg"


def series_of(site: Site, source: Path) -> str:
    """Return the series of a source: its folder below the input folder."""
    try:
        folder = source.resolve().parent.relative_to(site.inputs.resolve())
    except ValueError:
        return ""
    return "" if folder == Path() else folder.as_posix()
