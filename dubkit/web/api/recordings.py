"""Recordings of lines over HTTP: what a microphone took becomes a take of its line."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import anyio
from anyio.to_thread import run_sync
from fastapi import APIRouter, HTTPException, Query, Request, Response

from dubkit.review.changes import Desk
from dubkit.review.lines import ReviewLine, review_lines
from dubkit.review.recording import check_recordable, take_recording
from dubkit.web.accounts.access import Editor
from dubkit.web.accounts.audit import audit
from dubkit.web.api.dependencies import AtDesk, LineId
from dubkit.web.api.line_forms import Recorded
from dubkit.web.api.lines import ANSWERS, check_line, submit
from dubkit.web.http.headers import LARGEST_RECORDING
from dubkit.web.site import OnSite, Site

router = APIRouter(prefix="/api/episodes/{episode}/{language}", tags=["lines"], responses=ANSWERS)

SECONDS = 300.0
"""Seconds in which a recording must arrive."""

REFUSED: dict[int | str, dict[str, Any]] = {
    408: {"description": "It did not arrive in time."},
    413: {"description": "It is larger than a recording may be."},
    507: {"description": "The disk of the server is full."},
}
BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post("/lines/{line}/recording", status_code=202, responses=REFUSED, openapi_extra=BODY)
async def record(
    request: Request,
    desk: AtDesk,
    line: LineId,
    site: OnSite,
    person: Editor,
    episode: str,
    response: Response,
    at: Annotated[
        float | None,
        Query(ge=0, le=1e6, allow_inf_nan=False, description="Second of the episode at which it begins."),
    ] = None,
) -> Recorded:
    """Take over a recording of a line, as a sound file in the body, and make its take in a job."""
    await run_sync(check_line, desk.context, line)
    await run_sync(check_recordable, desk.rules, line)
    async with recording_file(request) as file:
        recorded = await run_sync(_keep, site, desk, line, file, at, person.name, episode)
    response.headers["Location"] = f"/api/jobs/{recorded.job.id}"
    return recorded


def _keep(
    site: Site, desk: Desk, line: str, file: Path, at: float | None, who: str, episode: str
) -> Recorded:
    event = take_recording(desk, line, file, at)
    if event is not None:
        audit(site, who, event.action, f"{episode}/{desk.context.language}", f"{line}, change {event.number}")
    now = desk.context.fresh()
    job = submit(site, now, who, episode, "regenerate", [line])
    return Recorded(
        event.number if event else desk.log.last(), _shown(review_lines(now, frozenset({line}))), job
    )


def _shown(lines: list[ReviewLine]) -> ReviewLine:
    return lines[0]


@asynccontextmanager
async def recording_file(request: Request) -> AsyncIterator[Path]:
    """Give the body of a request as a file, for as long as the block runs. Raises HTTP 408, 413 or 507."""
    with TemporaryDirectory(prefix="dubkit-recording") as folder:
        file = Path(folder) / "recording.wav"
        await _receive(request, file)
        yield file


async def _receive(request: Request, file: Path) -> None:
    """Write the body into a file. Raises HTTP 408, 413 or 507."""
    said = request.headers.get("content-length", "")
    if said.isdigit() and int(said) > LARGEST_RECORDING:
        raise _too_large()
    came = 0
    try:
        with anyio.fail_after(SECONDS), file.open("wb") as out:
            async for block in request.stream():
                came += len(block)
                if came > LARGEST_RECORDING:
                    raise _too_large()
                await run_sync(out.write, block)
    except TimeoutError:
        raise HTTPException(408, f"The recording did not arrive within {SECONDS:g} seconds.") from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise HTTPException(
                507, "The disk of the server is full. Free some space, then try again."
            ) from error
        raise


def _too_large() -> HTTPException:
    return HTTPException(413, f"A recording has {LARGEST_RECORDING // 1_000_000} MB at most.")
