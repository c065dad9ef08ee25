"""Put replaced frames into a picture stream and leave everything that can stay exactly as it is.

H.264 and HEVC: only the frames from the first replaced one to the next point where decoding can start
are decoded and coded again, near lossless; every other packet is copied byte for byte. Both kinds of
picture live in one stream because their parameter sets have different ids, named in the stream's header
and again at each coded span. Other streams (other codecs, interlaced pictures, ...) are coded once as a
whole, and the report says so and why.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

from dubkit.media.splice.job import Make, SpliceJob
from dubkit.media.splice.plan import NotSpliceable, TimesContradict, check_replaced, survey
from dubkit.media.splice.spans import splice_spans
from dubkit.media.splice.whole import encode_whole
from dubkit.types import VideoStream

log = logging.getLogger(__name__)

Origin = Literal["source", "recoded", "dubbed"]


@dataclass(frozen=True, slots=True)
class SpliceReport:
    """Where every frame of a spliced picture comes from. `identical + recoded + dubbed == frames`."""

    frames: int
    identical: int
    """Frames whose packets are the source's own, byte for byte."""
    recoded: int
    """Untouched frames that were encoded again, near lossless, or (HEVC) whose packets changed their type."""
    dubbed: int
    codec: str
    spans: tuple[tuple[int, int, Origin], ...]
    """First frame, one past the last, and their origin; they tile the film."""
    reason: str = ""
    """Why all frames were encoded; empty when only the spans were."""
    missing: int = 0
    """Frames of coded spans that the source does not yield (damage); their neighbours stand in."""


def splice(
    source: Path,
    episode_video: VideoStream,
    replaced: Sequence[tuple[int, int]],
    make: Make,
    destination: Path,
) -> SpliceReport:
    """Write the picture of `source` to `destination` with the `replaced` frames made anew.

    `replaced` are (first, one past the last) frame numbers in showing order, sorted and disjoint.
    `make(number, frame)` returns the picture for a replaced frame, in size and pixel format of the
    source's `frame`; it is called in rising order, and from the first frame again if a stream turns out
    to be coded as a whole. Every frame keeps its time stamp in the source's own ticks: the file is an
    mp4 with that clock, or Matroska for a Matroska source, whatever its name. Without replaced frames
    nothing is written: the source's packets are the picture. The same inputs give the same bytes.

    Raises `ValueError` for ranges or pictures that do not fit, `MediaError` when the source cannot be
    decoded, `DiskFull`.
    """
    check_replaced(source, replaced, episode_video.frames)
    if not replaced:
        frames = episode_video.frames
        spans: tuple[tuple[int, int, Origin], ...] = ((0, frames, "source"),) if frames else ()
        return SpliceReport(frames, frames, 0, 0, episode_video.codec, spans)
    found = survey(source, episode_video.index)
    check_replaced(source, replaced, len(found.stamps))
    job = SpliceJob(source, episode_video, replaced, make, destination, found)
    codec, reason = found.codec, ""
    try:
        coded, missing = splice_spans(job)
    except NotSpliceable as error:
        reason = str(error)
        log.debug("%s: the whole picture is encoded again: %s", source.name, reason)
        coded = [(0, len(found.stamps))]
        codec, missing = encode_whole(job, by_order=isinstance(error, TimesContradict))
    if missing:
        log.debug("%s: %d damaged frames were filled with their neighbours", source.name, missing)
    spans = _tiles(len(found.stamps), coded, replaced)
    lengths = {
        origin: sum(end - start for start, end, kind in spans if kind == origin)
        for origin in ("source", "recoded", "dubbed")
    }
    return SpliceReport(
        frames=len(found.stamps),
        identical=lengths["source"],
        recoded=lengths["recoded"],
        dubbed=lengths["dubbed"],
        codec=codec,
        spans=spans,
        reason=reason,
        missing=missing,
    )


def _tiles(
    frames: int, coded: list[tuple[int, int]], replaced: Sequence[tuple[int, int]]
) -> tuple[tuple[int, int, Origin], ...]:
    edges = sorted({0, frames, *(edge for pair in (*coded, *replaced) for edge in pair)})
    tiles: list[tuple[int, int, Origin]] = []
    for start, end in pairwise(edges):
        origin: Origin = "source"
        if any(first <= start < last for first, last in replaced):
            origin = "dubbed"
        elif any(first <= start < last for first, last in coded):
            origin = "recoded"
        if tiles and tiles[-1][2] == origin:
            start = tiles.pop()[0]
        tiles.append((start, end, origin))
    return tuple(tiles)
