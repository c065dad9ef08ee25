"""What a finished dub is made of: its sound, its picture, and the name of its file."""

from __future__ import annotations

from pathlib import Path

from dubkit.episode.context import Context
from dubkit.episode.results import SOUND
from dubkit.types import PictureReport

__all__ = ["FILM", "PICTURE_REPORT", "SOUND", "dub_name", "film", "picture_report"]

FILM = "mix/picture.mp4"
PICTURE_REPORT = "mix/picture.json"


def film(context: Context) -> Path | None:
    """Return the picture with generated frames in it; None where the source's own picture is used."""
    if not context.planned_clips or not context.file_digest("paste", FILM, language=context.language):
        return None
    return context.store.path(FILM, context.language)


def picture_report(context: Context) -> PictureReport | None:
    """Return where the frames of the dub come from; None where the picture is the source's own."""
    if film(context) is None:
        return None
    return context.store.read(PICTURE_REPORT, PictureReport, context.language)


def dub_name(context: Context) -> str:
    """Return the name of the finished file."""
    from dubkit.media.delivery.containers import container_for

    settings = context.settings.stitch
    return f"dub.{container_for(context.episode, settings.container, keep_original=settings.keep_original)}"
