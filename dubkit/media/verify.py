"""Compare a delivered film with its source, packet by packet."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import zip_longest
from pathlib import Path
from typing import Any

from dubkit.media.container import (
    codec_name,
    episode_zero,
    is_default,
    is_picture,
    open_media,
    rate_of,
    scan,
    timed_streams,
)
from dubkit.types import Episode

_PARAMETER_SETS = {"h264": {7, 8, 9}, "hevc": {32, 33, 34, 35}}
"""Types of the units that describe a stream (and access unit delimiters), by codec."""


@dataclass(frozen=True, slots=True)
class DeliveredTrack:
    """One sound track of a delivery."""

    language: str
    default: bool
    codec: str
    channels: int
    title: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryCheck:
    """How far the picture of a delivery is the source's.

    `drift_ms` is the largest distance between the times of one frame in both, each from its own zero;
    it is infinite when the frame counts differ.
    """

    frames: int
    source_frames: int
    identical_packets: int
    total_packets: int
    rate_equal: bool
    drift_ms: float
    audio: tuple[DeliveredTrack, ...]
    subtitles: tuple[str, ...] = ()
    """Languages of the subtitle tracks."""


@dataclass(frozen=True, slots=True)
class _Picture:
    times: list[Fraction]
    rate: Fraction
    hashes: list[bytes]


def verify_delivery(source: Path, out: Path, episode: Episode) -> DeliveryCheck:
    """Read both files and compare their pictures; list the sound tracks of `out`.

    For a sound-only episode frames and packets are 0 and the drift is 0.
    """
    with open_media(out) as container:
        chosen = next((s.index for s in container.streams if is_picture(s)), None)
        audio = tuple(_track(stream) for stream in container.streams.audio)
        subtitles = tuple(str(s.metadata.get("language") or "und") for s in container.streams.subtitles)
    if episode.video is None or chosen is None:
        missing = episode.video.frames if episode.video else 0
        drift = float("inf") if missing else 0.0
        return DeliveryCheck(0, missing, 0, 0, not missing, drift, audio, subtitles)
    # Between start codes and lengths the parameter sets move into the header; the frames stay.
    rewritten = _unit_size(source, episode.video.index) != _unit_size(out, chosen)
    before = _picture(source, episode.video.index, rewritten=rewritten)
    after = _picture(out, chosen, rewritten=rewritten)
    pairs = zip_longest(before.hashes, after.hashes)
    return DeliveryCheck(
        frames=len(after.times),
        source_frames=len(before.times),
        identical_packets=sum(left == right for left, right in pairs),
        total_packets=max(len(before.hashes), len(after.hashes)),
        rate_equal=before.rate == after.rate,
        drift_ms=_drift(before.times, after.times),
        audio=audio,
        subtitles=subtitles,
    )


def _drift(before: list[Fraction], after: list[Fraction]) -> float:
    if len(before) != len(after):
        return float("inf")
    return float(max((abs(a - b) for a, b in zip(before, after, strict=True)), default=Fraction(0)) * 1000)


def _track(stream: Any) -> DeliveredTrack:
    return DeliveredTrack(
        language=str(stream.metadata.get("language") or "und"),
        default=is_default(stream),
        codec=codec_name(stream),
        channels=stream.codec_context.layout.nb_channels,
        title=str(stream.metadata.get("title") or stream.metadata.get("handler_name") or ""),
    )


def _picture(path: Path, index: int, *, rewritten: bool) -> _Picture:
    with open_media(path) as container:
        tracks, _ = scan(container, timed_streams(container, index))
        zero = episode_zero(container, tracks)
        track = tracks[index]
        stamps = sorted(track.keys)
        rate = rate_of(container.streams[index], variable=track.variable)
    return _Picture(
        times=[stamp * track.time_base - zero for stamp in stamps],
        rate=rate,
        hashes=list(_hashes(path, index, rewritten=rewritten)),
    )


def _hashes(path: Path, index: int, *, rewritten: bool) -> Iterator[bytes]:
    """Yield one digest per packet; of its coded picture alone when the packets were `rewritten`."""
    import av

    size = _unit_size(path, index) or 0
    with open_media(path) as container:
        stream = container.streams[index]
        codec = codec_name(stream)
        try:
            for packet in container.demux(stream):
                if packet.size:
                    content = bytes(packet)
                    if rewritten:
                        content = b"\0\0\1".join(_coded_picture(content, size, codec))
                    yield hashlib.blake2b(content, digest_size=16).digest()
        except (av.error.FFmpegError, OSError):
            return


def _unit_size(path: Path, index: int) -> int | None:
    """Bytes of the length before each unit of a packet, 0 for start codes, None for other codecs."""
    with open_media(path) as container:
        stream = container.streams[index]
        codec = codec_name(stream)
        if codec not in _PARAMETER_SETS:
            return None
        extradata = bytes(stream.codec_context.extradata or b"")
    if len(extradata) < 7 or extradata[0] != 1:
        return 0
    return (extradata[4 if codec == "h264" else 21] & 3) + 1


def _coded_picture(content: bytes, size: int, codec: str) -> list[bytes]:
    units = _units(content, size)
    if codec == "h264":
        return [unit for unit in units if unit[0] & 0x1F not in _PARAMETER_SETS[codec]]
    return [unit for unit in units if unit[0] >> 1 & 0x3F not in _PARAMETER_SETS[codec]]


def _units(content: bytes, size: int) -> list[bytes]:
    """Split a packet into its units, by start codes when `size` is 0, else by lengths of `size` bytes."""
    if not size:
        parts = content.split(b"\0\0\1")[1:]
        return [part.rstrip(b"\0") for part in parts if part.rstrip(b"\0")]
    units, at = [], 0
    while at + size <= len(content):
        start = at + size
        at = start + int.from_bytes(content[at : at + size], "big")
        unit = content[start:at].rstrip(b"\0")
        if unit:
            units.append(unit)
    return units
