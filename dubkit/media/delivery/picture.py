"""The picture that a delivery takes from a spliced file, as a track of the source."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from dubkit.errors import MediaError
from dubkit.media.files.container import PacketTrack, codec_name, is_default, open_media, orientation, scan
from dubkit.types import VideoStream


@dataclass(frozen=True, slots=True)
class Picture:
    """The picture to deliver: its packets, and the time of the episode's zero on its own clock."""

    track: PacketTrack
    codec: str
    shown: tuple[int, bool]
    """How its own file says it is shown: degrees that it is turned, and whether mirrored."""
    zero: Fraction
    tags: dict[str, str] = field(default_factory=dict)
    """Tags and flags of the source's track, for a track that comes from another file."""
    flags: str = "0"
    boxes: dict[bytes, bytes] = field(default_factory=dict)
    """What an mp4 says of it beside the frames (see `mp4_picture`)."""


def spliced_picture(path: Path, video: VideoStream, stream: Any) -> Picture:
    """Describe the picture in `path` that takes the place of the source's `stream`.

    Raises `MediaError` when it does not hold the source's frames.
    """
    with open_media(path) as container:
        own = container.streams.video[0]
        index, codec = own.index, codec_name(own)
        shown = next((orientation(frame) for frame in container.decode(own)), (0, False))
    with open_media(path) as container:
        tracks, _ = scan(container, {index})
    found = tracks[index]
    if len(found.keys) != video.frames or found.start is None:
        text = f"it holds {len(found.keys)} of {video.frames} frames"
        raise MediaError(path, text, "Run the same command again to remake it.")
    words = ("default" if is_default(stream) else "", flags_of(stream))
    return Picture(
        track=found,
        codec=codec,
        shown=shown,
        zero=found.start - video.start,
        # The spliced file's own name for its track is dropped: an empty one is not written.
        tags={"handler_name": ""} | dict(stream.metadata),
        flags="+".join(word for word in words if word) or "0",
    )


def flags_of(stream: Any) -> str:
    """Flags of a stream as ffmpeg takes them, but for the one that makes it the default; "" for none."""
    import av

    kept = stream.disposition & ~av.stream.Disposition.default
    return "+".join(str(flag.name) for flag in av.stream.Disposition if flag & kept)
