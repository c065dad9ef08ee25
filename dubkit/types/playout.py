"""Chunked play-out: where an episode is cut into chunks, and which of them can be played."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ChunkState = Literal["waiting", "ready", "outdated", "failed"]
"""Not made yet; playable; playable, but being made again; could not be made."""


@dataclass(frozen=True, slots=True)
class PlannedChunk:
    """One chunk of an episode, from one border to the next."""

    number: int
    """From 1."""
    start: float
    """Seconds on the episode clock: a key frame of the picture, where that is copied."""
    end: float
    start_block: int
    """First block of coded sound, of 1024 samples at 48 kHz."""
    end_block: int
    first_packet: int
    """Number of the first packet of the picture, in storage order."""
    end_packet: int
    lines: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name as an item, and without suffix as a file."""
        return f"chunk_{self.number:03d}"

    @property
    def seconds(self) -> float:
        """How long it plays."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class ChunkPlan:
    """Artifact `stream/plan.json`: the chunks of a dub, known before anything is spoken."""

    language: str
    wished_seconds: float
    has_picture: bool
    """Whether the picture is copied into the chunks."""
    chunks: tuple[PlannedChunk, ...]

    @property
    def longest(self) -> float:
        """Seconds of the longest chunk."""
        return max((chunk.seconds for chunk in self.chunks), default=0.0)


@dataclass(frozen=True, slots=True)
class PlayableChunk:
    """What a manifest says of a chunk."""

    number: int
    start: float
    end: float
    state: ChunkState
    file: str
    """Its file beside the manifest; empty while there is none."""
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlayoutManifest:
    """Artifact `stream/manifest.json`: which chunks can be played."""

    language: str
    seconds: float
    complete: bool
    """Whether every chunk is there and up to date."""
    has_picture: bool
    wished_chunk_seconds: float
    playlist: str
    """Playlist for HLS, beside the manifest; empty before the first chunk is there."""
    init: str
    """What a player reads before any chunk."""
    final: str
    """The finished dub beside the manifest; empty before it is there."""
    chunks: tuple[PlayableChunk, ...]
