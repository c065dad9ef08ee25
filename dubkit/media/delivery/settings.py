"""Settings of the finished file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dubkit.formats.format import subtitle_choices
from dubkit.settings import option


@dataclass(frozen=True, slots=True)
class Stitch:
    """Writing the finished file."""

    container: Literal["auto", "mp4", "mkv"] = option(
        "auto", "File format of the dub.", flag="--container", job=True
    )
    keep_original: bool = option(True, "Keep the source's sound tracks after the dubbed one.", job=True)
    subs: Literal["both", "source", "target", "none"] = option(
        "both", "Subtitles put into the dub.", flag="--subs", job=True
    )
    subs_format: str = option(
        "both",
        "Subtitle files written beside the dub.",
        flag="--subs-format",
        job=True,
        choices=subtitle_choices,
    )
    stems: bool = option(
        False,
        "Write the dub's voices, all dialogue, and music and effects as sound files beside the dub.",
        flag="--stems",
        job=True,
    )
