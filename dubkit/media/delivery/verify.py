"""Compare a delivered film with its source, packet by packet."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from dubkit.media.files.container import (
    PacketTrack,
    codec_name,
    episode_zero,
    is_default,
    is_picture,
    open_media,
    packets_of,
    rate_of,
    scan,
    timed_streams,
)
from dubkit.media.files.units import split_units, unit_size, unit_type
from dubkit.types import Episode

_DESCRIBING = {"h264": {7, 8, 9}, "hevc": {32, 33, 34, 35}}
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
    changed_outside: int = 0
    """Frames whose packets differ although none of the spans that may differ holds them."""


@dataclass(frozen=True, slots=True)
class _Picture:
    times: list[Fraction]
    rate: Fraction
    digests: dict[int, bytes]
    """Digest of each packet by frame number; packets that are never shown count down from -1."""


def verify_delivery(
    source: Path, out: Path, episode: Episode, changed: Sequence[tuple[int, int]] = ()
) -> DeliveryCheck:
    """Read both files and compare their pictures frame by frame; list the sound tracks of `out`.

    `changed` are the spans (first frame, one past the last) that a splice coded anew. For a sound-only
    episode frames and packets are 0 and the drift is 0.
    """
    with open_media(out) as container:
        chosen = next((s.index for s in container.streams if is_picture(s)), None)
        audio = tuple(_track(stream) for stream in container.streams.audio)
        subtitles = tuple(str(s.metadata.get("language") or "und") for s in container.streams.subtitles)
    if episode.video is None or chosen is None:
        missing = episode.video.frames if episode.video else 0
        drift = float("inf") if missing else 0.0
        return DeliveryCheck(0, missing, 0, 0, not missing, drift, audio, subtitles)
    before, after, same = _compared(source, episode.video.index, out, chosen)
    free = {number for first, last in changed for number in range(first, last)}
    return DeliveryCheck(
        frames=len(after.times),
        source_frames=len(before.times),
        identical_packets=len(same),
        total_packets=max(len(before.digests), len(after.digests)),
        rate_equal=before.rate == after.rate,
        drift_ms=_drift(before.times, after.times),
        audio=audio,
        subtitles=subtitles,
        changed_outside=len(set(range(len(before.times))) - same - free),
    )


def same_frames(source: Path, out: Path, episode: Episode) -> list[tuple[float, bool]]:
    """Return, for each frame of `out`, its second and whether its packet is the source's own.

    Nothing where one of the two has no picture.
    """
    with open_media(out) as container:
        chosen = next((s.index for s in container.streams if is_picture(s)), None)
    if episode.video is None or chosen is None:
        return []
    _, after, same = _compared(source, episode.video.index, out, chosen)
    return [(float(time), number in same) for number, time in enumerate(after.times)]


def _compared(source: Path, index: int, out: Path, chosen: int) -> tuple[_Picture, _Picture, set[int]]:
    """Read a picture of two files; the third value are the numbers of the packets that are the same."""
    # Between start codes and lengths the parameter sets move into the header; the frames stay.
    sizes = {_unit_size(source, index), _unit_size(out, chosen)}
    rewritten = len(sizes) == 2 and None not in sizes
    before = _picture(source, index, rewritten=rewritten)
    after = _picture(out, chosen, rewritten=rewritten)
    same = {number for number, digest in before.digests.items() if after.digests.get(number) == digest}
    return before, after, same


def _is_shown(packet: Any, codec: str) -> bool:
    """Tell whether a packet is a frame: edit lists hide some, and VP8 keeps references (bit 4 clear)."""
    return not packet.is_discard and (codec != "vp8" or bool(bytes(packet)[0] & 0x10))


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
        rate = rate_of(container.streams[index], track)
    return _Picture(
        times=[stamp * track.time_base - zero for stamp in stamps],
        rate=rate,
        digests=_digests(path, track, rewritten=rewritten),
    )


def _digests(path: Path, track: PacketTrack, *, rewritten: bool) -> dict[int, bytes]:
    """Digest every packet; only its coded picture when the packets were `rewritten`."""
    import av

    size = _unit_size(path, track.index) or 0
    order = sorted(range(len(track.keys)), key=track.keys.__getitem__)
    numbers = dict(zip(order, range(len(order)), strict=True))
    digests: dict[int, bytes] = {}
    shown = 0
    with open_media(path) as container:
        stream = container.streams[track.index]
        codec = codec_name(stream)
        try:
            for packet in packets_of(container, stream):
                if not packet.size:
                    continue
                content = bytes(packet)
                number = shown - len(digests) - 1
                if _is_shown(packet, codec):
                    number = numbers.get(shown, shown)
                    shown += 1
                if rewritten:
                    content = b"\0\0\1".join(_coded_picture(content, size, codec))
                digests[number] = hashlib.blake2b(content, digest_size=16).digest()
        except (av.error.FFmpegError, OSError):
            pass
    return digests


def _unit_size(path: Path, index: int) -> int | None:
    """Bytes of the length before each unit of a packet, 0 for start codes, None for other codecs."""
    with open_media(path) as container:
        stream = container.streams[index]
        codec = codec_name(stream)
        if codec not in _DESCRIBING:
            return None
        return unit_size(bytes(stream.codec_context.extradata or b""), codec)


def _coded_picture(content: bytes, size: int, codec: str) -> list[bytes]:
    return [unit for unit in split_units(content, size) if unit_type(unit, codec) not in _DESCRIBING[codec]]
