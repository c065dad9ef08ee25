"""Open media files safely and read their packets: the basis of probing, decoding and verifying.

The episode's zero is the earliest start among the picture and the sound tracks, as the container
presents them (edit lists and encoder delay applied). Everything else is placed relative to it.
"""

from __future__ import annotations

import errno
import logging
import math
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.errors import MediaError
from dubkit.media.files.jumps import Rule, Steps, rule_for

if TYPE_CHECKING:
    from av.container import InputContainer

log = logging.getLogger(__name__)

LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}
"""Speaker layouts of the dub by channels: the ones that every AAC decoder knows."""

_MP4_ATOMS = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}
_TIMEOUT_SECONDS = 60.0
_ADTS = b"\xff\xf0"
"""Twelve set bits begin a frame."""

MOST_PIXELS = 16384 * 8640
"""Pixels of a picture; a file of some kilobytes may claim pictures that no memory holds. FFmpeg
gives no size for larger ones."""

_LISTS = frozenset(("concat", "dash", "hls", "imf", "sdp", "webm_dash_manifest"))
"""Formats that name other files: a list disguised as a film must not make the reader open those."""
_MAX_SECONDS = 24 * 3600
"""Longer than any episode: time stamps beyond it are damaged and would fill the disk with silence."""


@dataclass(slots=True)
class PacketTrack:
    """What the packets of one stream say. Times are `Fraction` seconds on the container's own clock."""

    index: int
    time_base: Fraction
    keys: list[int] = field(default_factory=list)
    """Presentation time stamp of each presented packet, in storage order, in `time_base` units."""
    end: Fraction | None = None
    """End of the last presented packet."""
    last_duration: int = 0
    damaged: int = 0
    encrypted: bool = False
    hidden: int = 0
    """Packets that are only there to be decoded: an edit list starts the film after them."""
    last_damaged: int = 0
    """Presented packets before the last one that is not whole."""
    unstamped: int = 0
    """Packets without any time."""
    unframed: int = 0
    """Packets of AAC in ADTS frames that do not begin with one: no other container takes them."""
    steps: Steps = field(default_factory=Steps)

    @property
    def start(self) -> Fraction | None:
        """Time of the first presented packet."""
        return min(self.keys) * self.time_base if self.keys else None

    @property
    def cut(self) -> bool:
        """True when one of the last packets is not whole."""
        return bool(self.damaged) and len(self.keys) - self.last_damaged <= 2

    @property
    def variable(self) -> bool:
        """True when frame durations differ by more than the rounding of the time base."""
        steps = [after - before for before, after in pairwise(sorted(self.keys))]
        return bool(steps) and max(steps) - min(steps) > 1


def media_url(path: Path) -> str:
    """Spell `path` so that no FFmpeg program takes its name for an option, a pattern or a protocol."""
    return f"file:{path.absolute()}"


@contextmanager
def open_media(path: Path) -> Iterator[InputContainer]:
    """Open a media file for reading, or raise a `MediaError` that names cause and cure."""
    import av

    _check_file(path)
    # A playlist disguised as a film must not make the reader fetch from the network. AVI and program
    # streams leave presentation times out, which `genpts` computes.
    options = {"protocol_whitelist": "file", "fflags": "+genpts"}
    try:
        container = av.open(
            media_url(path),
            container_options=options,
            options={"max_pixels": str(MOST_PIXELS)},
            metadata_errors="replace",
            timeout=_TIMEOUT_SECONDS,
        )
    except UnicodeEncodeError as error:
        problem = "the file name is not valid Unicode"
        raise MediaError(path, problem, "Rename the file and run the same command again.") from error
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise _open_error(path, error) from error
    try:
        _check_container(path, container)
        yield container
    finally:
        container.close()


def _check_container(path: Path, container: InputContainer) -> None:
    if container.format.name in _LISTS:
        problem = f"this is a list of other files ({container.format.name}), not a film"
        raise MediaError(path, problem, "Name the films that it lists.")


def _check_file(path: Path) -> None:
    if not path.exists():
        raise MediaError(path, "no such file", "Check the spelling of the path.")
    if path.is_dir():
        raise MediaError(path, "this is a folder, not a file", "Name a video or sound file inside it.")
    if not path.is_file():
        raise MediaError(path, "this is not a regular file", "Copy its content to a file and name that.")
    if path.stat().st_size == 0:
        cure = "The copy or download failed: fetch the file again."
        raise MediaError(path, "the file is empty (0 bytes)", cure)


def _open_error(path: Path, error: Exception) -> MediaError:
    if isinstance(error, PermissionError) and os.access(path, os.R_OK):
        # What must not be read is a file that it names.
        return MediaError(path, "this is a list of other files, not a film", "Name the films that it lists.")
    if isinstance(error, PermissionError):
        return MediaError(path, "no permission to read the file", "Give your user read access to it.")
    if getattr(error, "errno", None) in (errno.EIO, errno.ETIMEDOUT):
        return MediaError(path, "the disk fails to deliver the file", "Copy it to another disk and try that.")
    with path.open("rb") as stream:
        head = stream.read(12)
    if head[4:8] in _MP4_ATOMS:
        return MediaError(
            path,
            "its index (the moov atom) is missing, so the download or recording was cut off",
            "Fetch the file again; a recording can often be saved with a repair tool such as untrunc.",
        )
    return MediaError(
        path,
        "this is not a media file that can be read, or its beginning is damaged",
        "Check that it plays elsewhere; name a video (mp4, mkv, mov, webm, avi, mpg, ts) or sound file.",
    )


def is_picture(stream: Any) -> bool:
    """Tell whether a stream is a moving picture: not a cover, not a thumbnail track, and decodable."""
    import av

    if stream.type != "video" or stream.codec_context is None:
        return False
    covers = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails
    return not stream.disposition & covers


def is_cover(stream: Any) -> bool:
    """Tell whether a stream is an attached picture."""
    import av

    return stream.type == "video" and bool(stream.disposition & av.stream.Disposition.attached_pic)


def is_default(stream: Any) -> bool:
    """Tell whether the container flags a stream as the one to play."""
    import av

    return bool(stream.disposition & av.stream.Disposition.default)


def codec_name(stream: Any) -> str:
    """Name of the codec (`mp3`), not of the decoder that happens to be there (`mp3float`)."""
    if stream.codec_context is None:
        return "unknown"
    return str(stream.codec_context.codec.canonical_name or stream.codec_context.name)


def rate_of(stream: Any, track: PacketTrack) -> Fraction:
    """Nominal frames per second of a picture stream.

    The rate that FFmpeg guesses is right for fixed and for variable rates, but wrong for a few files
    with coarse time stamps; there the average, which the container states, is better. It is wrong for
    others, so of two that differ the one is taken that the packets agree with.
    """
    guessed, average = stream.guessed_rate, stream.average_rate
    if guessed and average and not track.variable and abs(guessed / average - 1) > Fraction(1, 100):
        span = (max(track.keys) - min(track.keys)) * track.time_base
        counted = (len(track.keys) - 1) / span if span else Fraction(average)
        return min(Fraction(average), Fraction(guessed), key=lambda rate: abs(rate / counted - 1))
    return Fraction(guessed or average or 25)


def orientation(frame: Any) -> tuple[int, bool]:
    """Return how a decoded frame is shown: degrees it is turned, counter-clockwise, and whether mirrored.

    A mirrored picture changes left and right before it is turned.
    """
    matrix = next((bytes(kind) for kind in frame.side_data if kind.type.name == "DISPLAYMATRIX"), b"")
    if len(matrix) < 36:
        return int(frame.rotation), False
    a, b, _, c, d = struct.unpack("<5i", matrix[:20])
    if a * d - b * c >= 0:
        return int(frame.rotation), False
    # Taking the mirror away negates the first row; what is left is a rotation.
    return round(math.degrees(math.atan2(b, -a))) % 360, True


def scan(container: InputContainer, indexes: set[int]) -> tuple[dict[int, PacketTrack], str]:
    """Read every packet of the streams `indexes` without decoding.

    Returns the tracks, and a sentence that says why reading broke off ("" when it did not).
    """
    import av

    chosen = [stream for stream in container.streams if stream.index in indexes]
    tracks = {s.index: PacketTrack(s.index, Fraction(s.time_base or Fraction(1, 90_000))) for s in chosen}
    hidden_frames = {s.index for s in chosen if s.type == "video" and codec_name(s) == "vp8"}
    framed = {s.index for s in chosen if codec_name(s) == "aac" and not s.codec_context.extradata}
    rule = rule_for(container.format.name, (track.steps for track in tracks.values()))
    try:
        for packet in packets_of(container, chosen):
            # VP8 keeps reference frames that are never shown as packets of their own: bit 4 says so.
            if packet.stream_index in hidden_frames and packet.size and not bytes(packet)[0] & 0x10:
                continue
            _count(packet, tracks[packet.stream_index], rule)
            if packet.stream_index in framed and packet.size and bytes(packet)[:2] < _ADTS:
                tracks[packet.stream_index].unframed += 1
    except (av.error.FFmpegError, OSError) as error:
        log.debug("Reading broke off: %s", error)
        return tracks, "The file is damaged: reading broke off before its end."
    return tracks, ""


def packets_of(container: InputContainer, streams: Any) -> Iterator[Any]:
    """Yield the packets of streams, in storage order, with an empty one at the end of each.

    Tracks that begin in the middle of the file are passed over.
    """
    while True:
        try:
            yield from container.demux(streams)
            return
        except IndexError:
            continue  # PyAV does not know a stream that was not there when it opened the file


def _count(packet: Any, track: PacketTrack, rule: Rule) -> None:
    if packet.size == 0:
        return
    if packet.is_corrupt:
        track.damaged += 1
        track.last_damaged = len(track.keys)
    track.encrypted = track.encrypted or packet.has_sidedata("encryption_info")
    stamp = packet.pts if packet.pts is not None else packet.dts
    if stamp is None:
        track.unstamped += 1
        previous = track.keys[-1] if track.keys else 0
        stamp = previous + track.last_duration
    if packet.dts is not None:
        length = (packet.duration or 0) * track.time_base
        track.steps.take(packet.dts * track.time_base, length, packet.pos, rule)
    track.last_duration = packet.duration or track.last_duration
    if packet.is_discard:
        track.hidden += 1
        return
    track.keys.append(stamp)
    end = (stamp + (packet.duration or 0)) * track.time_base - _dropped_end(packet)
    if track.end is None or end > track.end:
        track.end = end


def _dropped_end(packet: Any) -> Fraction:
    """Seconds that a decoder must drop at the end of a sound packet (encoder padding)."""
    if not packet.has_sidedata("skip_samples"):
        return Fraction(0)
    words = bytes(packet.get_sidedata("skip_samples"))
    dropped = int.from_bytes(words[4:8], "little") if len(words) >= 8 else 0
    return Fraction(dropped, packet.stream.codec_context.sample_rate or 48_000)


def episode_zero(container: InputContainer, tracks: dict[int, PacketTrack]) -> Fraction:
    """Time of the episode's zero on the container's clock, in seconds."""
    starts: list[Fraction] = []
    for stream in container.streams:
        track = tracks.get(stream.index)
        if track is None or track.start is None:
            continue
        if stream.start_time is not None and stream.time_base:
            starts.append(stream.start_time * Fraction(stream.time_base))
        else:
            starts.append(track.start)
    return min(starts, default=Fraction(0))


def timed_streams(container: InputContainer, picture: int | None) -> set[int]:
    """Indexes of the streams that define the clock: the chosen picture and every sound track."""
    sound = {s.index for s in container.streams if s.type == "audio"}
    return sound | ({picture} if picture is not None else set())


def check_span(path: Path, seconds: Fraction) -> None:
    """Refuse time stamps that no episode can have."""
    if seconds > _MAX_SECONDS:
        raise MediaError(
            path,
            f"its time stamps claim {float(seconds) / 3600:.0f} hours, so they are damaged",
            "Write them anew and use the result: ffmpeg -fflags +genpts -i FILE -c copy fixed.mkv",
        )
