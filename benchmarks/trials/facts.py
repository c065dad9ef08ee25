"""Facts of a media file for cases: what FFmpeg says of its streams, tags and chapters."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error


def media_facts(path: Path) -> dict[str, Any]:
    """Return `format`, `duration` (seconds), `tags`, `chapters` and `streams` of a file.

    A stream has `index`, `kind` (`video`, `audio`, `subtitle`, `data`, `attachment`), `codec`, `tag`,
    `language`, `tags`, `disposition` (names of what is set), `start` and `end` (seconds), `packets`; of a
    picture `width`, `height`, `rate`, `side_data` and `matrix` (of its first frame); of a sound `sample_rate`
    and `channels`.

    Raises ValueError where it is no media file.
    """
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            streams = [_stream(stream) for stream in container.streams]
            _count(container, streams)
            facts = {
                "format": container.format.name,
                "duration": container.duration / av.time_base if container.duration else None,
                "tags": dict(container.metadata),
                "chapters": [_chapter(chapter) for chapter in container.chapters()],
                "streams": streams,
            }
        _add_frames(path, streams)
    except av.error.FFmpegError as error:
        raise ValueError(f"it is no media file that can be read ({error})") from error
    return facts


def _stream(stream: Any) -> dict[str, Any]:
    kind = stream.type
    facts: dict[str, Any] = {
        "index": stream.index,
        "kind": kind,
        "codec": stream.codec_context.name if stream.codec_context is not None else stream.name or "",
        "tag": str(getattr(stream.codec_context, "codec_tag", "")).strip("\0"),
        "language": stream.metadata.get("language", ""),
        "tags": dict(stream.metadata),
        "disposition": [flag.name for flag in stream.disposition],
        "start": None,
        "end": None,
        "packets": 0,
    }
    if kind == "video":
        facts |= {"width": stream.width, "height": stream.height, "rate": str(stream.average_rate or 0)}
    if kind == "audio":
        facts |= {"sample_rate": stream.sample_rate, "channels": stream.channels}
    return facts


def _chapter(chapter: Any) -> dict[str, Any]:
    base = Fraction(chapter["time_base"])
    return {
        "start": float(chapter["start"] * base),
        "end": float(chapter["end"] * base),
        "tags": dict(chapter["metadata"]),
    }


def _count(container: Any, streams: list[dict[str, Any]]) -> None:
    for packet in container.demux():
        if packet.size == 0 or packet.stream.index >= len(streams):
            continue
        facts = streams[packet.stream.index]
        facts["packets"] += 1
        if packet.pts is None or packet.time_base is None:
            continue
        start = float(packet.pts * packet.time_base)
        end = start + float((packet.duration or 0) * packet.time_base)
        facts["start"] = start if facts["start"] is None else min(facts["start"], start)
        facts["end"] = end if facts["end"] is None else max(facts["end"], end)


def _add_frames(path: Path, streams: list[dict[str, Any]]) -> None:
    """Add what the first frame of each picture carries."""
    for facts in streams:
        if facts["kind"] != "video":
            continue
        facts["side_data"] = []
        with av.open(str(path), metadata_errors="replace") as container:
            for frame in container.decode(container.streams[facts["index"]]):
                facts["side_data"] = sorted(str(data.type.name) for data in frame.side_data)
                facts["matrix"] = _matrix(frame)
                break


def _matrix(frame: Any) -> list[int] | None:
    """The display matrix as nine numbers of 16.16 and 2.30 bits, or None."""
    for data in frame.side_data:
        if data.type.name == "DISPLAYMATRIX":
            return list(struct.unpack("<9i", bytes(data)))
    return None
