"""Media of an episode for the pages: pictures, sound, waveforms, subtitles and the report.

Only files in the episode's folder and its source are served. Where a browser cannot play a file, a preview
is made first: the answer is 202 until it is ready.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

from dubkit.formats.format import subtitle_suffixes
from dubkit.review.opening import of_folder
from dubkit.studio import renew
from dubkit.web.accounts.access import REFUSALS, EpisodeFolder, OpenEpisode, Viewer
from dubkit.web.accounts.audit import audit_download
from dubkit.web.accounts.people import Person
from dubkit.web.files import episode_media
from dubkit.web.files.previews import DerivedFile, OnPreviews, PreviewFailed, Previews
from dubkit.web.files.send import ServedFile, inside, send_file, the_file
from dubkit.web.site import OnSite, Site

router = APIRouter(prefix="/media/{episode}", tags=["media"])

Route = TypeVar("Route", bound=Callable[..., Any])

Language = Annotated[str, Path(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$", max_length=40)]
ItemId = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
SoundName = Annotated[str, Path(pattern=r"^[\w-]{1,100}$")]
TakeId = Annotated[str, Path(pattern=r"^v[0-9]{3,6}$")]
Download = Annotated[bool, Query(description="Send the file itself, to be saved.")]

ANSWERS: dict[int | str, dict[str, Any]] = {
    **REFUSALS,
    200: {"description": "The file.", "content": {"application/octet-stream": {}}},
    202: {"description": "It is being made; try again after the seconds in Retry-After."},
    206: {"description": "The requested range."},
    304: {"description": "It has not changed."},
    400: {"description": "The Range header is malformed."},
    404: {"description": "There is no such file, or you may not see it."},
    416: {"description": "The range lies outside the file."},
    422: {"description": "It cannot be made from the episode's files; `detail` says why."},
}
AGAIN = "2"
"""Seconds after which to try again for a file that is being made."""


@dataclass(frozen=True, slots=True)
class MediaRequest:
    """A request for something of an episode that people play or download, and that the audit log notes."""

    request: Request
    episode: EpisodeFolder
    site: Site
    person: Person
    download: bool
    """Send the file itself, to be saved."""

    def send(self, file: ServedFile, name: str, headers: dict[str, str] | None = None) -> Response:
        """Send a file; a download gets `name`."""
        return send_file(self.request, file, name=name if self.download else "", headers=headers)

    def record(self, subject: str, answer: Response, *, player: bool = False) -> Response:
        """Record in the audit log that something of the episode was sent; return the answer."""
        subject = f"{self.episode.name}/{subject}"
        return audit_download(self.request, self.site, self.person, subject, answer, player=player)


def _media_request(
    request: Request, episode: OpenEpisode, site: OnSite, person: Viewer, download: Download = False
) -> MediaRequest:
    return MediaRequest(request, episode, site, person, download)


Media = Annotated[MediaRequest, Depends(_media_request)]


class ShotImage(BaseModel):
    """One shot, in seconds, with the URL of its picture; empty when it has none."""

    id: str
    start: float
    end: float
    image: str


class Waveform(BaseModel):
    """Peaks of a sound: peak n covers n / rate to (n + 1) / rate seconds."""

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


def get_derived(previews: Previews, derived: DerivedFile) -> ServedFile | JSONResponse:
    """Return a derived file, or the answer that it is being made or cannot be made."""
    try:
        path = previews.get(derived)
    except FileNotFoundError:
        raise HTTPException(404, "There is no such file.") from None
    except PreviewFailed as failed:
        detail = str(failed)
        # People who look at files need not know where they are on the server.
        for folder in {derived.store.root.parent, *(path.parent for path in derived.origin)}:
            detail = detail.replace(f"{folder}/", "")
        return JSONResponse({"detail": detail, "state": "failed"}, 422)
    if path is None:
        making = {"detail": f"The preview of {derived.slot} is being made.", "state": "making"}
        return JSONResponse(making, 202, {"Retry-After": AGAIN})
    return the_file(path)


def send_derived(request: Request, derived: ServedFile | JSONResponse) -> Response:
    """Send a derived file, or the answer in its place."""
    return derived if isinstance(derived, JSONResponse) else send_file(request, derived)


# Fixed names before `{language}`: routes are tried in order.


@serves("/source", response_class=Response)
def source(media: Media, previews: OnPreviews) -> Response:
    """Send the source as it is when browsers play it, else a preview."""
    file = media.episode.source
    if file is None or not file.is_file():
        raise HTTPException(404, "The media file of this episode no longer exists.")
    if media.download or episode_media.plays_source(media.episode):
        answer = media.send(the_file(file), file.name)
    else:
        answer = send_derived(
            media.request, get_derived(previews, episode_media.source_preview(media.episode))
        )
    return media.record("source", answer, player=not media.download)


@serves("/peaks", response_model=Waveform)
def source_peaks(request: Request, episode: OpenEpisode, previews: OnPreviews) -> Response:
    """Send the waveform of the source's sound."""
    return send_derived(request, get_derived(previews, episode_media.peaks(episode, "")))


@serves("/shots", response_model=list[ShotImage], response_class=JSONResponse)
def shots(episode: OpenEpisode) -> list[ShotImage]:
    """List the shots with their pictures."""
    return [ShotImage(**shot) for shot in episode_media.shots(episode)]


@serves("/shots/{shot}.jpg", response_class=Response)
@serves("/thumbnails/{shot}.jpg", response_class=Response, include_in_schema=False)
def shot_image(request: Request, episode: OpenEpisode, shot: ItemId) -> Response:
    """Send the picture of a shot."""
    return send_file(request, inside(episode.store.root, f"thumbnails/{shot}.jpg"))


@serves("/references/{name}.wav", response_class=Response)
def reference(request: Request, episode: OpenEpisode, name: SoundName) -> Response:
    """Send what a speaker's voice is cloned from."""
    return send_file(request, inside(episode.store.root, f"references/{name}.wav"))


@serves("/references/pieces/{name}.wav", response_class=Response)
def reference_piece(request: Request, episode: OpenEpisode, name: SoundName) -> Response:
    """Send a piece of the source that a voice may be cloned from."""
    return send_file(request, inside(episode.store.root, f"references/pieces/{name}.wav"))


@serves("/{language}/dub", response_class=Response)
@serves("/{language}/dub.{ending}", response_class=Response, include_in_schema=False)
def dub(media: Media, language: Language, previews: OnPreviews) -> Response:
    """Send the finished dub as it is when browsers play it, else a preview."""
    episode = media.episode
    file = inside(episode.store.root, episode_media.dub_file(episode, language))
    if media.download or episode_media.plays(file):
        answer = media.send(file, f"{episode.name}.{language}{file.path.suffix}")
    else:
        answer = send_derived(
            media.request, get_derived(previews, episode_media.dub_preview(episode, language, file))
        )
    return media.record(f"{language}/dub", answer, player=not media.download)


@serves("/{language}/peaks", response_model=Waveform)
def dub_peaks(request: Request, episode: OpenEpisode, language: Language, previews: OnPreviews) -> Response:
    """Send the waveform of the dubbed sound."""
    return send_derived(request, get_derived(previews, episode_media.peaks(episode, language)))


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
    return send_derived(
        request, get_derived(previews, episode_media.take_preview(episode, language, item, take))
    )


@serves("/{language}/subtitles.vtt", response_class=Response)
def subtitles(media: Media, language: Language, previews: OnPreviews) -> Response:
    """Send the subtitles of the dub."""
    episode = media.episode
    name = episode_media.subtitle_file(episode, language, ".vtt")
    if name:
        file = inside(episode.store.root, name)
        answer = media.send(file, file.path.name)
        return media.record(f"{language}/subtitles", answer) if media.download else answer
    other = episode_media.subtitle_file(episode, language, *subtitle_suffixes())
    file = inside(episode.store.root, other or language)
    return send_derived(
        media.request, get_derived(previews, episode_media.subtitles_from(episode, language, file.path))
    )


@serves("/{language}/report", response_class=Response)
def report(media: Media, language: Language) -> Response:
    """Send the report of a dub, with a Content-Security-Policy of its own."""
    episode = media.episode
    renew(of_folder(media.site.session, episode.store.root))
    file = inside(episode.store.root, f"{language}/report.html")
    policy = {"Content-Security-Policy": episode_media.report_policy()}
    answer = media.send(file, f"{episode.name}.{language}.html", policy)
    return media.record(f"{language}/report", answer) if media.download else answer
