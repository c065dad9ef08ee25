"""The episodes in the output folder over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from fastapi import APIRouter

from dubkit.episode.context import Context
from dubkit.episode.store import HIDDEN
from dubkit.errors import DubkitError
from dubkit.review.opening import of_folder
from dubkit.studio import episode_summary
from dubkit.types import EpisodeQc
from dubkit.web.accounts.access import OpenEpisode, Viewer, may_see
from dubkit.web.site import OnSite, Site

router = APIRouter(prefix="/api/episodes", tags=["episodes"])


@dataclass(frozen=True, slots=True)
class LanguageState:
    """A language of an episode: verdict in words, number of lines, and the flags that need a look."""

    tag: str
    verdict: str
    lines: int
    flags: tuple[str, ...]
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


@router.get("")
def read_episodes(site: OnSite, person: Viewer) -> list[EpisodeRow]:
    """Return the episodes that you may see, by name."""
    return [
        episode_row(site, folder) for folder in episode_folders(site) if may_see(site, person, folder.name)
    ]


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


def episode_row(site: Site, folder: Path) -> EpisodeRow:
    """Return the row of an episode in the library; a damaged one is shown as such, without an error."""
    context = of_folder(site.session, folder)
    name, source = folder.name, context.source
    try:
        episode = context.episode if context.store.has("episode.json") else None
        summary = episode_summary(context, kept=True)
        languages = tuple(
            LanguageState(
                row.tag, row.verdict, _count(context.fresh(row.tag)), row.flags, _finished(context, row.tag)
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


def _count(context: Context) -> int:
    return len(context.translation.lines)


def _finished(context: Context, language: str) -> bool:
    if not context.store.has("qc.json", language):
        return False
    try:
        context.store.read("qc.json", EpisodeQc, language)
    except DubkitError:
        return False
    return True
