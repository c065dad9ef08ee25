"""Where an episode is cut into chunks: in pauses between lines, and at key frames of a copied picture.

Each border is searched near a multiple of the wished length, whatever the borders before it are: so a line
that is changed moves no border but those beside it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil
from pathlib import Path

from dubkit.media.files.container import codec_name, episode_zero, open_media, packets_of, scan, timed_streams
from dubkit.types import SAMPLE_RATE, VideoStream
from dubkit.types.playout import PlannedChunk

BLOCK = 1024
"""Samples of a block of coded sound (AAC)."""

COPIED = frozenset(("h264", "hevc", "av1", "vp9"))
"""Codecs of pictures that go into chunks: fragmented MP4 holds them, and some player of HLS shows them."""

LEAST_SHARE = 0.25
"""Share of the wished length below which a chunk is joined with the one before it."""

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """A frame that a player can begin with."""

    seconds: Fraction
    """On the episode clock."""
    packet: int
    """Number of its packet, in storage order."""


@dataclass(frozen=True, slots=True)
class PictureIndex:
    """What the packets of a picture say of its borders."""

    keys: tuple[KeyFrame, ...]
    packets: int


def picture_hindrance(video: VideoStream | None, codec: str) -> str:
    """Return why a picture cannot be copied into chunks; empty where it can, and where there is none."""
    if video is None:
        return ""
    if codec not in COPIED:
        return f"{codec} is no picture that players of HLS take"
    return "an edit list hides its first frames" if video.hidden else ""


def read_keys(path: Path, video: int, zero: Fraction | None = None) -> PictureIndex:
    """Read where the key frames of a picture are; `zero` is the episode's on the file's clock.

    Without it, it is that of the file, as a source has it.
    """
    with open_media(path) as container:
        stream = container.streams[video]
        keys: list[tuple[int, int]] = []
        packets = (packet for packet in packets_of(container, stream) if packet.size)
        last = -1
        for last, packet in enumerate(packets):
            if packet.is_keyframe and packet.pts is not None:
                keys.append((packet.pts, last))
        base = Fraction(stream.time_base or Fraction(1, 90_000))
    began = source_zero(path, video) if zero is None else zero
    return PictureIndex(tuple(KeyFrame(pts * base - began, number) for pts, number in keys), last + 1)


def source_zero(path: Path, video: int) -> Fraction:
    """Return the episode's zero on the clock of a source, in seconds."""
    with open_media(path) as container:
        tracks, _ = scan(container, timed_streams(container, video))
        return episode_zero(container, tracks)


def picture_codec(path: Path, video: int) -> str:
    """Return the codec of a picture."""
    with open_media(path) as container:
        return codec_name(container.streams[video])


def choose_borders(
    seconds: float, wished: float, lines: Iterable[Span], keys: Sequence[float] | None
) -> list[float]:
    """Return the times between chunks, in order; none lies inside a line.

    `lines` are the spans that must stay whole, with what belongs around them. `keys` are the only times that
    a border may have; None: any.

    >>> choose_borders(60.0, 20.0, [(1.0, 19.0), (19.4, 23.0)], None)
    [19.2, 40.0]
    >>> choose_borders(60.0, 20.0, [(1.0, 19.0), (19.4, 23.0)], [0.0, 19.3, 20.0, 39.0, 52.0])
    [19.3, 39.0]
    """
    pauses = _pauses(seconds, lines)
    chosen: list[float] = []
    for number in range(1, ceil(seconds / wished)):
        target = number * wished
        near = _nearest(target, wished / 2, pauses, keys)
        before = chosen[-1] if chosen else 0.0
        if near is not None and near - before >= LEAST_SHARE * wished:
            chosen.append(near)
    if chosen and seconds - chosen[-1] < LEAST_SHARE * wished:
        chosen.pop()
    return chosen


def _pauses(seconds: float, lines: Iterable[Span]) -> list[Span]:
    """Return the stretches of an episode in which nobody speaks."""
    pauses, at = [], 0.0
    for start, end in sorted(lines):
        if start > at:
            pauses.append((at, start))
        at = max(at, end)
    return [*pauses, (at, seconds)] if at < seconds else pauses


def _nearest(
    target: float, reach: float, pauses: Sequence[Span], keys: Sequence[float] | None
) -> float | None:
    """Return the time in a pause that is nearest to a target, up to `reach` from it."""
    if keys is None:
        times = [_inside(target, *pause) for pause in pauses]
    else:
        first, last = bisect_left(keys, target - reach), bisect_left(keys, target + reach)
        times = [key for key in keys[first:last] if any(a <= key <= b for a, b in pauses)]
    near = min(times, key=lambda time: (abs(time - target), time), default=None)
    return near if near is not None and abs(near - target) < reach else None


def _inside(target: float, start: float, end: float) -> float:
    """Return the time of a pause nearest to a target; beside a line, the middle of a short pause.

    >>> _inside(20.0, 19.0, 19.4), _inside(20.0, 15.0, 25.0)
    (19.2, 20.0)
    """
    if start <= target <= end:
        return target
    middle = round((start + end) / 2, 6)
    return max(middle, end - 1.0) if target > end else min(middle, start + 1.0)


def cut_chunks(
    samples: int,
    borders: Sequence[float],
    lines: Sequence[tuple[str, Span]],
    picture: PictureIndex | None = None,
) -> tuple[PlannedChunk, ...]:
    """Return the chunks between borders, each with the lines that begin in it."""
    seconds = samples / SAMPLE_RATE
    packets = {float(key.seconds): key.packet for key in picture.keys} if picture else {}
    ends = [*borders, seconds]
    blocks = [0, *(round(border * SAMPLE_RATE / BLOCK) for border in borders), -(-samples // BLOCK)]
    cuts = [0, *(packets.get(border, 0) for border in borders), picture.packets if picture else 0]
    return tuple(
        PlannedChunk(
            number=number + 1,
            start=start,
            end=end,
            start_block=blocks[number],
            end_block=blocks[number + 1],
            first_packet=cuts[number],
            end_packet=cuts[number + 1],
            lines=tuple(name for name, span in lines if start <= max(0.0, span[0]) < end),
        )
        for number, (start, end) in enumerate(pairwise([0.0, *ends]))
    )
