"""Media of an episode for the pages: pictures, sound, waveforms, subtitles and the report.

Only files of the episode's own folder are served, and its source. Where a browser cannot play a file, a
preview is made first: the answer is then 202 until it is there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

from dubkit.web.accounts.access import REFUSALS, OpenEpisode, Viewer
from dubkit.web.accounts.audit import audit_download
from dubkit.web.files import episode_media
from dubkit.web.files.previews import Derived, OnPreviews, PreviewFailed, Previews
from dubkit.web.files.send import Served, inside, send_file, the_file
from dubkit.web.site import OnSite

router = APIRouter(prefix="/media/{episode}", tags=["media"])

Route = TypeVar("Route", bound=Callable[..., Any])

Language = Annotated[str, Path(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$", max_length=40)]
ItemId = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
TakeId = Annotated[str, Path(pattern=r"^v[0-9]{3,6}$")]
Download = Annotated[bool, Query(description="Send the file itself, to be saved.")]

ANSWERS: dict[int | str, dict[str, Any]] = {
    **REFUSALS,
    200: {"description": "The file.", "content": {"application/octet-stream": {}}},
    202: {"description": "It is being made; ask again after the seconds of Retry-After."},
    206: {"description": "The range that was asked for."},
    304: {"description": "It has not changed."},
    400: {"description": "The Range header cannot be read."},
    404: {"description": "There is no such file, or the person may not see it."},
    416: {"description": "The range lies outside the file."},
    422: {"description": "It cannot be made from the episode's files; `detail` says why."},
}
AGAIN = "2"
"""Seconds after which to ask again for something that is being made."""


class ShotImage(BaseModel):
    """One shot, in seconds, and where its picture is; empty when it has none."""

    id: str
    start: float
    end: float
    image: str


class Waveform(BaseModel):
    """Peaks of a sound: peak n covers the seconds n / rate to (n + 1) / rate."""

    duration: float
    rate: float
    peaks: list[float]


def serves(path: str, **more: Any) -> Callable[[Route], Route]:
    """Register a route for GET and HEAD."""

    def register(route: Route) -> Route:
        options = {"responses": ANSWERS, **more}
        router.get(path, **options)(route)
        router.head(path, **{**options, "include_in_schema": False})(route)
        return route

    return register


def made(previews: Previews, wanted: Derived) -> Served | JSONResponse:
    """Return a derived file, or the answer that it is being made or cannot be."""
    try:
        path = previews.get(wanted)
    except FileNotFoundError:
        raise HTTPException(404, "There is no such file.") from None
    except PreviewFailed as failed:
        detail = str(failed)
        # Where the files lie is nothing for those who look at them.
        for folder in {wanted.store.root.parent, *(path.parent for path in wanted.origin)}:
            detail = detail.replace(f"{folder}/", "")
        return JSONResponse({"detail": detail, "state": "failed"}, 422)
    if path is None:
        making = {"detail": f"The preview of {wanted.slot} is being made.", "state": "making"}
        return JSONResponse(making, 202, {"Retry-After": AGAIN})
    return the_file(path)


def sent(request: Request, found: Served | JSONResponse) -> Response:
    """Send a derived file, or hand on the answer that stands for it."""
    return found if isinstance(found, JSONResponse) else send_file(request, found)


# Fixed names come before `{language}`: routes are tried in order.


@serves("/source", response_class=Response)
def source(
    request: Request,
    episode: OpenEpisode,
    site: OnSite,
    person: Viewer,
    previews: OnPreviews,
    download: Download = False,
) -> Response:
    """Send the source, as it is when browsers play it, else a preview."""
    if episode.source is None or not episode.source.is_file():
        raise HTTPException(404, "The media file this episode was made from is not there any more.")
    if download or episode_media.plays_source(episode):
        name = episode.source.name if download else ""
        answer = send_file(request, the_file(episode.source), name=name)
    else:
        answer = sent(request, made(previews, episode_media.source_preview(episode)))
    return audit_download(request, site, person, f"{episode.name}/source", answer, player=not download)


@serves("/peaks", response_model=Waveform)
def source_peaks(request: Request, episode: OpenEpisode, previews: OnPreviews) -> Response:
    """Send the waveform of the source's sound."""
    return sent(request, made(previews, episode_media.peaks(episode, "")))


@serves("/shots", response_model=list[ShotImage], response_class=JSONResponse)
def shots(episode: OpenEpisode) -> list[ShotImage]:
    """List the shots with their pictures."""
    return [ShotImage(**shot) for shot in episode_media.shots(episode)]


@serves("/shots/{shot}.jpg", response_class=Response)
@serves("/thumbnails/{shot}.jpg", response_class=Response, include_in_schema=False)
def shot_image(request: Request, episode: OpenEpisode, shot: ItemId) -> Response:
    """Send the picture of a shot."""
    return send_file(request, inside(episode.store.root, f"thumbnails/{shot}.jpg"))


@serves("/{language}/dub", response_class=Response)
@serves("/{language}/dub.{ending}", response_class=Response, include_in_schema=False)
def dub(
    request: Request,
    episode: OpenEpisode,
    site: OnSite,
    person: Viewer,
    language: Language,
    previews: OnPreviews,
    download: Download = False,
) -> Response:
    """Send the finished dub, as it is when browsers play it, else a preview."""
    file = inside(episode.store.root, episode_media.dub_file(episode, language))
    if download or episode_media.plays(file):
        name = f"{episode.name}.{language}{file.path.suffix}" if download else ""
        answer = send_file(request, file, name=name)
    else:
        answer = sent(request, made(previews, episode_media.dub_preview(episode, language, file)))
    return audit_download(
        request, site, person, f"{episode.name}/{language}/dub", answer, player=not download
    )


@serves("/{language}/peaks", response_model=Waveform)
def dub_peaks(request: Request, episode: OpenEpisode, language: Language, previews: OnPreviews) -> Response:
    """Send the waveform of the dubbed sound."""
    return sent(request, made(previews, episode_media.peaks(episode, language)))


@serves("/{language}/takes/{item}/{take}/sound", response_class=Response)
@serves("/{language}/takes/{item}/{take}/speech.wav", response_class=Response, include_in_schema=False)
def take_sound(
    request: Request, episode: OpenEpisode, language: Language, item: ItemId, take: TakeId
) -> Response:
    """Send the sound of a take: the speech of a line, or the sound of a clip."""
    return send_file(request, episode_media.take_sound(episode, language, item, take))


@serves("/{language}/takes/{item}/{take}/picture", response_class=Response)
def take_picture(
    request: Request,
    episode: OpenEpisode,
    language: Language,
    item: ItemId,
    take: TakeId,
    previews: OnPreviews,
) -> Response:
    """Send a preview of a clip's take."""
    return sent(request, made(previews, episode_media.take_preview(episode, language, item, take)))


@serves("/{language}/subtitles.vtt", response_class=Response)
def subtitles(
    request: Request,
    episode: OpenEpisode,
    site: OnSite,
    person: Viewer,
    language: Language,
    previews: OnPreviews,
    download: Download = False,
) -> Response:
    """Send the subtitles of the dub."""
    name = episode_media.subtitle_file(episode, language, ".vtt")
    if name:
        file = inside(episode.store.root, name)
        answer = send_file(request, file, name=file.path.name if download else "")
        subject = f"{episode.name}/{language}/subtitles"
        return audit_download(request, site, person, subject, answer) if download else answer
    srt = inside(episode.store.root, episode_media.subtitle_file(episode, language, ".srt") or language)
    return sent(request, made(previews, episode_media.subtitles_from_srt(episode, language, srt.path)))


@serves("/{language}/report", response_class=Response)
def report(
    request: Request,
    episode: OpenEpisode,
    site: OnSite,
    person: Viewer,
    language: Language,
    download: Download = False,
) -> Response:
    """Send the report of a dub, under a policy of its own."""
    file = inside(episode.store.root, f"{language}/report.html")
    headers = {"Content-Security-Policy": episode_media.report_policy()}
    name = f"{episode.name}.{language}.html" if download else ""
    answer = send_file(request, file, name=name, headers=headers)
    subject = f"{episode.name}/{language}/report"
    return audit_download(request, site, person, subject, answer) if download else answer
