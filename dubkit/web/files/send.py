"""Send a file of an episode as an answer: find it safely, name its type, let browsers keep it."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from fastapi import HTTPException, Request
from fastapi.responses import FileResponse, Response

TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".m4a": "audio/mp4",
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
    ".mov": "video/quicktime",
    ".m4s": "video/mp4",
    ".m3u8": "application/vnd.apple.mpegurl",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".vtt": "text/vtt; charset=utf-8",
    ".srt": "text/plain; charset=utf-8",
    ".html": "text/html; charset=utf-8",
}
"""Suffix -> content type. Other files are sent as bytes to be saved, so that no browser guesses."""

REVALIDATED = "private, no-cache"
"""A browser may cache it, but must validate it each time."""


@dataclass(frozen=True, slots=True)
class ServedFile:
    """A file that may be sent."""

    path: Path
    stat: os.stat_result


def inside(root: Path, relative: str) -> ServedFile:
    """Return a regular file below `root`. Raises HTTP 404 for anything else, also for links that lead out."""
    base = root.resolve()
    try:
        path = (base / relative).resolve(strict=True)
        status = path.stat()
    except (OSError, ValueError, RuntimeError):
        raise _missing() from None
    if not path.is_relative_to(base) or not stat.S_ISREG(status.st_mode):
        raise _missing()
    return ServedFile(path, status)


def the_file(path: Path) -> ServedFile:
    """Return a file at any path. Raises HTTP 404 when it does not exist."""
    try:
        status = path.stat()
    except OSError:
        raise _missing() from None
    if not stat.S_ISREG(status.st_mode):
        raise _missing()
    return ServedFile(path, status)


def _missing() -> HTTPException:
    return HTTPException(404, "There is no such file.")


def send_file(
    request: Request, file: ServedFile, *, name: str = "", headers: dict[str, str] | None = None
) -> Response:
    """Answer with a file, a range of it, or 304 when it has not changed.

    With `name` it is a download under that name.
    """
    response = FileResponse(
        file.path,
        stat_result=file.stat,
        media_type=TYPES.get(file.path.suffix.lower(), "application/octet-stream"),
        filename=name or None,
        headers={"Cache-Control": REVALIDATED, **(headers or {})},
    )
    validators = request.headers.get("if-none-match", "")
    tags = [tag.strip().removeprefix("W/") for tag in validators.split(",")]
    if response.headers["etag"] in tags or validators.strip() == "*":
        kept = ("etag", "last-modified", "cache-control", "content-security-policy")
        return Response(status_code=304, headers={k: v for k, v in response.headers.items() if k in kept})
    return response
