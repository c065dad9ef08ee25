"""Films over HTTP: order one, and fetch what it became."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from dubkit.storyboard.folder import FILM, RECORD, SUFFIX, THUMBNAIL, read_json
from dubkit.storyboard.reading import StoryboardUnfit, parse_storyboard
from dubkit.web.accounts.access import REFUSALS, Editor, Viewer, is_shared_with, may_see
from dubkit.web.accounts.audit import audit, audit_download
from dubkit.web.api.jobs import KEY_USED, MISSING, NO_ROOM, Key, check_quota
from dubkit.web.api.shown_jobs import OpenJob, ShownJob, address, shown_job
from dubkit.web.files.send import inside, send_file
from dubkit.web.jobs.kinds import Job, JobWork, Place, Priority
from dubkit.web.site import OnSite, Site

router = APIRouter(prefix="/api/generate", tags=["films"], responses=REFUSALS)

ORDER = "storyboard.toml"
PICTURE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,60}\.(?:png|jpg|jpeg|webp)")


class FilmRequest(BaseModel):
    """A film to make: a storyboard, or a prompt for a single shot."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"title": "Pier", "prompt": "A wooden pier at dawn, fog."}]},
    )

    title: Annotated[str, Field(min_length=1, max_length=100)]
    """Names the film and its folder; with the title of a film of yours, what has not changed is kept."""
    prompt: Annotated[str, Field(max_length=8000)] = ""
    """What is seen and heard, in one shot."""
    storyboard: Annotated[str, Field(max_length=200_000)] = ""
    """In the place of the prompt: a storyboard, as `dubkit storyboard` reads it, but without LoRAs."""
    pictures: Annotated[dict[str, str], Field(max_length=32)] = {}
    """Name -> base64 of the PNG, JPEG or WebP pictures that the storyboard names."""
    priority: Priority = "normal"


@router.post("", status_code=201, responses=KEY_USED | NO_ROOM)
def generate(body: FilmRequest, site: OnSite, person: Editor, response: Response, key: Key = "") -> ShownJob:
    """Put a film into the queue; Location is the address of its job, whose events end with `url` and
    `thumbnail`."""
    check_quota(site, person)
    name = _folder_name(body.title)
    if not may_see(site, person, name):
        raise HTTPException(403, f"The film {name} belongs to somebody else. Choose another title.")
    text = _storyboard(body)
    pictures = {picture: _picture(picture, data) for picture, data in body.pictures.items()}
    _check(text, pictures)
    source = _keep(site.output / name, text, pictures)
    work = JobWork("generate", str(source), name, ())
    shared = {name} if is_shared_with(site, person, name) else set()
    job = site.queue.submit(work, person.name, key=key, shared=shared, place=Place(body.priority))
    audit(site, person, "submit", job.id, name)
    response.headers["Location"] = address(job)
    return shown_job(site, person, job)


def _folder_name(title: str) -> str:
    words = re.sub(r"[^\w]+", "-", title, flags=re.UNICODE).strip("-_")[:60].strip("-_")
    if not words:
        raise _refused("title", "A title has at least one letter or digit.")
    return f"{words}{SUFFIX}"


def _storyboard(body: FilmRequest) -> str:
    if bool(body.prompt.strip()) == bool(body.storyboard.strip()):
        raise _refused("prompt", "Give a prompt or a storyboard, one of the two.")
    if body.storyboard.strip():
        return body.storyboard
    # JSON writes a text as TOML reads it, but for characters beyond the basic plane, which stay as they are.
    return f"[[scenes]]\n[[scenes.shots]]\nprompt = {json.dumps(body.prompt.strip(), ensure_ascii=False)}\n"


def _picture(name: str, data: str) -> bytes:
    if not PICTURE.fullmatch(name):
        raise _refused("pictures", f"{name[:80]!r} is no name of a picture, such as ana.png.")
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error as error:
        raise _refused("pictures", f"{name} is not base64: {error}.") from None


def _check(text: str, pictures: dict[str, bytes]) -> None:
    """Refuse a storyboard that is wrong, or names files of this machine. Raises HTTP 422."""
    try:
        board = parse_storyboard(text, "storyboard", Path(), files=False)
    except StoryboardUnfit as error:
        raise _refused("storyboard", str(error)) from None
    if board.loras or any(element.loras for element in board.elements.values()):
        raise _refused("storyboard", "A film of the server has no LoRAs of its own; take loras out.")
    stills = [element.still for element in board.elements.values()]
    stills += [shot.still for scene in board.scenes for shot in scene.shots]
    for still in filter(None, stills):
        if still not in pictures:
            raise _refused(
                "storyboard", f"The still {still[:80]!r} is not among the pictures of the request."
            )


def _keep(folder: Path, text: str, pictures: dict[str, bytes]) -> Path:
    """Write an order into a folder of its content, so that a job that is retried finds its own."""
    content = hashlib.sha256(text.encode("utf-8", "replace"))
    for name, data in sorted(pictures.items()):
        content.update(name.encode() + b"\0" + hashlib.sha256(data).digest())
    place = folder / "orders" / content.hexdigest()[:16]
    place.mkdir(parents=True, exist_ok=True)
    for name, data in {**pictures, ORDER: text.encode("utf-8", "replace")}.items():
        (place / name).write_bytes(data)
    return place / ORDER


def _refused(field: str, said: str) -> HTTPException:
    return HTTPException(422, [{"loc": ["body", field], "msg": said, "type": "value_error"}])


def _film_of(job: Job) -> None:
    if job.work.kind != "generate":
        raise HTTPException(404, f"Job {job.id} makes no film.")
    if not job.result.get("film"):
        raise HTTPException(409, f"Job {job.id} is {job.state}; it has made no film.")


SENT: dict[int | str, dict[str, Any]] = {
    **MISSING,
    200: {"description": "The file.", "content": {"application/octet-stream": {}}},
    206: {"description": "The requested range."},
    304: {"description": "It has not changed."},
    409: {"description": "The job has made no film."},
    416: {"description": "The range lies outside the file."},
}


@router.get("/{job}/film", response_class=Response, responses=SENT)
def film(request: Request, job: OpenJob, site: OnSite, person: Viewer, download: bool = False) -> Response:
    """Send the film, whole or in ranges."""
    _film_of(job)
    file = inside(site.output / job.work.episode, FILM)
    name = f"{job.work.episode.removesuffix(SUFFIX)}.mp4" if download else ""
    answer = send_file(request, file, name=name)
    return audit_download(request, site, person, f"{job.work.episode}/{FILM}", answer)


@router.get("/{job}/thumbnail", response_class=Response, responses=SENT)
def thumbnail(request: Request, job: OpenJob, site: OnSite, person: Viewer) -> Response:
    """Send the small picture of the film."""
    _film_of(job)
    return send_file(request, inside(site.output / job.work.episode, THUMBNAIL))


@router.get("/{job}/shots", responses=MISSING)
def shots(job: OpenJob, site: OnSite, person: Viewer) -> list[dict[str, Any]]:
    """Return the records of the shots that are made: prompts as written and used, and how each was made."""
    return [record for name in shot_names(site, job) if (record := _record(site, job, name))]


@router.get("/{job}/shots/{shot}/thumbnail", response_class=Response, responses=SENT)
def shot_thumbnail(request: Request, job: OpenJob, shot: str, site: OnSite, person: Viewer) -> Response:
    """Send the small picture of a shot."""
    if shot not in shot_names(site, job):
        raise HTTPException(404, f"There is no shot {shot[:80]}.")
    return send_file(request, inside(site.output / job.work.episode, f"shots/{shot}/{THUMBNAIL}"))


def shot_names(site: Site, job: Job) -> list[str]:
    """Return the shots of a film that are made, by name."""
    folder = site.output / job.work.episode / "shots"
    if job.work.kind != "generate" or not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if (path / RECORD).is_file() and path.name[0] != ".")


def _record(site: Site, job: Job, shot: str) -> dict[str, Any] | None:
    return read_json(site.output / job.work.episode / "shots" / shot / RECORD)
