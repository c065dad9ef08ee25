"""ETags of an episode's lines: `"17-3f2a…"`, the last change of the lines and a digest of all there is."""

from __future__ import annotations

import re

from fastapi import HTTPException, Request

_OWN = re.compile(r'"(\d{1,16})-[0-9a-f]{16}"')

KEPT = {"Cache-Control": "private, no-cache"}
"""A browser may keep the answer, but asks each time whether it still holds."""


def etag(seen: int, digest: str) -> str:
    """Return the ETag of an answer about lines; `seen` is the number of the last change in it."""
    return f'"{seen}-{digest}"'


def is_unchanged(request: Request, tag: str) -> bool:
    """Tell whether the caller has this answer already."""
    sent = request.headers.get("if-none-match", "")
    return "*" in sent.split() or tag in (part.strip().removeprefix("W/") for part in sent.split(","))


def check_condition(request: Request, last: int) -> None:
    """Refuse a change whose If-Match names lines as they no longer are. Raises HTTP 412.

    `last` is the number of the last change.
    """
    sent = request.headers.get("if-match", "*").strip()
    if sent == "*":
        return
    tags = [part.strip() for part in sent.split(",")]
    if not any((own := _OWN.fullmatch(tag)) and int(own[1]) == last for tag in tags):
        raise HTTPException(
            412,
            f"If-Match is not the ETag of these lines: their last change is {last}. "
            "Get the lines again, and send the ETag that comes with them.",
        )
