"""The chunks of a job's dub: they can be played while the rest is made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Request
from fastapi.responses import Response

from dubkit.episode.store import EpisodeStore
from dubkit.errors import ArtifactDamaged
from dubkit.types.playout import ChunkState, PlayoutManifest
from dubkit.web.accounts.access import Viewer
from dubkit.web.accounts.audit import audit_download
from dubkit.web.api.shown_jobs import OpenJob
from dubkit.web.api.transcript import Language, standard
from dubkit.web.files.send import ServedFile, inside, send_file
from dubkit.web.jobs.kinds import Job
from dubkit.web.site import OnSite, Site

router = APIRouter(prefix="/{job}/stream")

FOLDER = "stream"
MANIFEST = f"{FOLDER}/manifest.json"
FRESH = {"Cache-Control": "no-store"}
"""For what grows while a job runs."""

Number = Annotated[int, Path(ge=0, le=99_999, description="Number of the chunk; 0 is what comes before all.")]
Tag = Annotated[str, Path(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$", max_length=40)]
FileName = Annotated[str, Path(pattern=r"^(stream\.m3u8|init\.mp4|chunk_[0-9]{3,5}\.m4s)$")]

MISSING: dict[int | str, dict[str, Any]] = {
    404: {"description": "There is no such job or chunk, or the job makes no chunks."}
}
SENT: dict[int | str, dict[str, Any]] = {
    **MISSING,
    200: {"description": "The file.", "content": {"application/octet-stream": {}}},
    206: {"description": "The requested range."},
    304: {"description": "It has not changed."},
    400: {"description": "The Range header is malformed."},
    416: {"description": "The range lies outside the file."},
}


@dataclass(frozen=True, slots=True)
class ShownChunk:
    """A chunk of a job's dub; times are seconds of the episode."""

    number: int
    start: float
    end: float
    state: ChunkState
    url: str
    """Where it is found; empty while there is none."""
    lines: tuple[str, ...]
    ready_after_seconds: float | None
    """Seconds from the job's last start until it was there; None for one that was there before."""


@dataclass(frozen=True, slots=True)
class ShownPlayout:
    """Which chunks of a job's dub can be played."""

    language: str
    seconds: float
    complete: bool
    has_picture: bool
    wished_chunk_seconds: float
    playlist: str
    """Address of the playlist for players of HLS; empty before the first chunk is there."""
    init: str
    final: bool
    """Whether the finished dub is there."""
    chunks: list[ShownChunk]


@router.get("/manifest", responses=MISSING)
def read_manifest(
    job: OpenJob, site: OnSite, person: Viewer, response: Response, language: Language = ""
) -> ShownPlayout:
    """Return which chunks of the dub can be played."""
    tag = language_of(job, language)
    manifest = manifest_of(site, job, tag)
    if manifest is None:
        raise HTTPException(404, f"Job {job.id} has no chunks in {tag}: they come with stream.mode = on.")
    response.headers.update(FRESH)
    began, base = began_at(site, job), f"/api/jobs/{job.id}/stream"
    files = f"{base}/files/{tag}"
    folder = site.output / job.work.episode / tag / FOLDER
    return ShownPlayout(
        language=tag,
        seconds=manifest.seconds,
        complete=manifest.complete,
        has_picture=manifest.has_picture,
        wished_chunk_seconds=manifest.wished_chunk_seconds,
        playlist=f"{files}/{manifest.playlist}" if manifest.playlist else "",
        init=f"{files}/{manifest.init}" if manifest.init else "",
        final=bool(manifest.final),
        chunks=[
            ShownChunk(
                number=chunk.number,
                start=chunk.start,
                end=chunk.end,
                state=chunk.state,
                url=f"{base}/chunks/{chunk.number}?language={tag}" if chunk.file else "",
                lines=chunk.lines,
                ready_after_seconds=_delay(folder / chunk.file, began) if chunk.file else None,
            )
            for chunk in manifest.chunks
        ],
    )


@router.head("/chunks/{number}", include_in_schema=False)
@router.get("/chunks/{number}", response_class=Response, responses=SENT)
def read_chunk(
    request: Request, job: OpenJob, site: OnSite, person: Viewer, number: Number, language: Language = ""
) -> Response:
    """Send a chunk, whole or in ranges: a fragment of an MP4, of which number 0 is the beginning."""
    tag = language_of(job, language)
    manifest = manifest_of(site, job, tag)
    names = {chunk.number: chunk.file for chunk in manifest.chunks} if manifest else {}
    name = (manifest.init if manifest else "") if number == 0 else names.get(number, "")
    if not name:
        raise HTTPException(404, f"Chunk {number} of job {job.id} is not there.")
    answer = send_file(request, _file(site, job, tag, name), headers={"Content-Type": "video/mp4"})
    return audit_download(request, site, person, f"{job.work.episode}/{tag}/{FOLDER}/{name}", answer)


@router.head("/files/{language}/{name}", include_in_schema=False)
@router.get("/files/{language}/{name}", response_class=Response, responses=SENT)
def read_file(
    request: Request, job: OpenJob, site: OnSite, person: Viewer, language: Tag, name: FileName
) -> Response:
    """Send the playlist or what it names, under the names that it has there."""
    tag = language_of(job, language)
    grows = FRESH if name.endswith(".m3u8") else None
    answer = send_file(request, _file(site, job, tag, name), headers=grows)
    if name != "init.mp4":  # asked for once by whoever plays
        return answer
    return audit_download(request, site, person, f"{job.work.episode}/{tag}/{FOLDER}", answer, player=True)


def language_of(job: Job, language: str) -> str:
    """Return the language of a job that is asked for. Raises HTTP 404 where it has none, or several."""
    tags = job.work.languages
    tag = standard(language) or (tags[0] if len(tags) == 1 else "")
    if tag not in tags:
        raise HTTPException(404, f"Which language? Job {job.id} has: {', '.join(tags) or 'none'}.")
    return tag


def manifest_of(site: Site, job: Job, language: str) -> PlayoutManifest | None:
    """Return the manifest of the chunks of a job's dub; None where there is none."""
    store = EpisodeStore(site.output / job.work.episode)
    if not store.has(MANIFEST, language):
        return None
    try:
        return store.read(MANIFEST, PlayoutManifest, language)
    except ArtifactDamaged:
        return None


def began_at(site: Site, job: Job) -> datetime | None:
    """Return when a worker began a job last."""
    return next((e.at for e in reversed(site.queue.all_events(job.id)) if e.kind == "leased"), None)


def _delay(file: FilePath, began: datetime | None) -> float | None:
    try:
        there = file.stat().st_mtime
    except OSError:
        return None
    seconds = there - began.timestamp() if began is not None else -1.0
    return round(seconds, 1) if seconds >= 0 else None


def _file(site: Site, job: Job, language: str, name: str) -> ServedFile:
    return inside(site.output / job.work.episode, f"{language}/{FOLDER}/{name}")
