"""Settings of separation."""

from __future__ import annotations

from dataclasses import dataclass

from dubkit.registry import names_of
from dubkit.settings import option


@dataclass(frozen=True, slots=True)
class Separate:
    """Taking the old voices out of the source's sound, so that music and effects go on under the dub."""

    method: str = option(
        "off",
        "What takes the voices out; off turns the source's sound down under the dub instead.",
        flag="--separation",
        job=True,
        choices=names_of("dubkit.media.separation.separator:SEPARATORS", "off", "auto"),
    )
