"""Settings of chunked play-out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from dubkit.settings import check_bounds, option

ChunkSeconds = Annotated[float, msgspec.Meta(ge=2.0, le=600.0)]
Overlap = Annotated[float, msgspec.Meta(ge=0.1, le=30.0)]


@dataclass(frozen=True, slots=True)
class Playout:
    """Chunks that play while the dub is being made."""

    mode: Literal["off", "on"] = option(
        "off",
        "Whether playable chunks are written while the rest of the dub is made; chunk mode, not real time.",
        flag="--stream",
        job=True,
        label="Play while it is made",
    )
    chunk_seconds: ChunkSeconds = option(
        20.0, "Wished length of a chunk; its border moves to a pause.", flag="--chunk-seconds", job=True
    )
    chunk_overlap: Overlap = option(
        2.0,
        "Seconds of sound on both sides that a chunk is coded with, so that chunks join without a gap.",
        flag="--chunk-overlap",
        job=True,
    )
    output: Literal["segments", "final"] = option(
        "final",
        "What is left beside the chunks: nothing, or the finished dub as stream.final.",
        flag="--stream-output",
        job=True,
    )

    def __post_init__(self) -> None:
        check_bounds(self, "stream")
