"""Write one chunk as a fragment of an MP4: copied packets of the picture, and the dub's sound in AAC.

A file with a head (`init.mp4`) is written and taken apart: the head is the same for every chunk of a dub. All
times count from a second or more before the episode's zero, because packets may be decoded before it.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.errors import MediaError
from dubkit.media.files.container import LAYOUTS, codec_name, open_media, packets_of
from dubkit.media.playout.borders import BLOCK
from dubkit.types import SAMPLE_RATE
from dubkit.types.playout import PlannedChunk

if TYPE_CHECKING:
    import numpy as np
    from av.container import OutputContainer
    from numpy.typing import NDArray

    Samples = NDArray[np.float64]

LEAD = 1
"""Seconds that all times are later than on the episode clock, at least."""
BITS_PER_CHANNEL = 96_000

EARLIER = 5
"""Seconds before a key frame at which it is looked for: seeking is not exact in every container."""

_FLAGS = "+empty_moov+default_base_moof+frag_custom+frag_discont"
_HEAD = {b"ftyp", b"moov"}
_BODY = {b"moof", b"mdat"}


@dataclass(frozen=True, slots=True)
class PictureSource:
    """Where the packets of a picture come from, and when they are decoded and shown."""

    path: Path
    stream: int
    zero: Fraction
    """The episode's zero on the clock of the file, in seconds."""
    shown: tuple[int, ...]
    """Presentation time stamp of each packet, in storage order."""
    decoded: tuple[int, ...]
    """Decoding time stamp of each packet, growing and never later than the first."""
    base: Fraction
    """Seconds of a unit of the time stamps."""

    @property
    def lead(self) -> int:
        """Seconds that all times are later than on the episode clock, so that none is below zero."""
        first = min(self.decoded, default=0) * self.base - self.zero
        return max(LEAD, ceil(-first))


def picture_source(path: Path, stream: int, zero: Fraction) -> PictureSource:
    """Read the time stamps of a picture. Raises MediaError where packets have none."""
    with open_media(path) as container:
        own = container.streams[stream]
        base = Fraction(own.time_base or Fraction(1, 90_000))
        times = [(p.pts, p.dts) for p in packets_of(container, own) if p.size]
    shown = tuple(pts for pts, _ in times)
    if None in shown:
        cure = "Write them anew: ffmpeg -fflags +genpts -i FILE -c copy fixed.mkv, and dub that."
        raise MediaError(path, "packets of its picture have no time", cure)
    return PictureSource(path, stream, zero, shown, _decoding_times(times), base)


def _decoding_times(times: Sequence[tuple[int, int | None]]) -> tuple[int, ...]:
    """Return when each packet is decoded: as the file says, or in the order in which they are shown."""
    own = [dts for _, dts in times if dts is not None]
    grows = all(before < after for before, after in pairwise(own))
    if len(own) == len(times) and grows and all(dts <= pts for (pts, _), dts in zip(times, own, strict=True)):
        return tuple(own)
    ordered = sorted(pts for pts, _ in times)
    delay = max((a - b for a, (b, _) in zip(ordered, times, strict=True)), default=0)
    return tuple(pts - delay for pts in ordered)


def write_fragment(
    chunk: PlannedChunk,
    samples: Samples,
    before: int,
    picture: PictureSource | None,
) -> tuple[bytes, bytes]:
    """Return the head and the fragment of a chunk.

    `samples` begin `before` blocks before the chunk, and may end after it: what lies beyond it shapes the
    coding of its first and last blocks. The same input gives the same bytes.
    """
    import av

    file = io.BytesIO()
    options = {"movflags": _FLAGS, "use_editlist": "0", "fflags": "+bitexact"}
    options |= {"avoid_negative_ts": "disabled"}
    with av.open(file, "w", format="mp4", options=options) as out:
        if picture is not None:
            with open_media(picture.path) as source:
                video = _video(out, source.streams[picture.stream])
                sound = _sound_stream(out, samples.shape[1])
                _mux(
                    out,
                    _pictures(source, video, picture, chunk),
                    _blocks(sound, samples, before, chunk, picture.lead),
                )
        else:
            _mux(out, (), _blocks(_sound_stream(out, samples.shape[1]), samples, before, chunk, LEAD))
    return _parted(file.getvalue(), chunk.number)


def _video(out: OutputContainer, stream: Any) -> Any:
    video: Any = out.add_stream_from_template(stream)
    if codec_name(stream) == "hevc":
        video.codec_context.codec_tag = "hvc1"  # Apple players refuse the other tag
    return video


def _sound_stream(out: OutputContainer, channels: int) -> Any:
    sound: Any = out.add_stream("aac", rate=SAMPLE_RATE, options={"flags": "+bitexact"})
    sound.codec_context.layout = LAYOUTS[channels]
    sound.codec_context.bit_rate = BITS_PER_CHANNEL * channels
    return sound


def _mux(out: OutputContainer, pictures: Iterator[Any] | tuple[()], sounds: Iterator[Any]) -> None:
    """Write the packets of both streams in order of time."""
    packets = [*pictures, *sounds]
    packets.sort(key=lambda packet: packet.dts * packet.time_base)
    for packet in packets:
        out.mux_one(packet)


def _pictures(source: Any, video: Any, picture: PictureSource, chunk: PlannedChunk) -> Iterator[Any]:
    """Yield the packets of the picture, timed."""
    first, end = chunk.first_packet, chunk.end_packet
    if first == end:
        return
    later, times = (picture.lead - picture.zero) / picture.base, picture.decoded
    packets = _packets_from(source, picture, first)
    number = first
    for packet in packets:
        if number == end or packet.pts != picture.shown[number]:
            break
        packet.pts = round(picture.shown[number] + later)
        packet.dts = round(times[number] + later)
        if number + 1 < len(times):
            packet.duration = round(times[number + 1] + later) - packet.dts
        packet.stream = video
        yield packet
        number += 1
    if number == end:
        return
    cure = (
        "Check the file; dub it without --stream, or after writing it anew: ffmpeg -i FILE -c copy fixed.mkv"
    )
    raise MediaError(
        picture.path, f"the picture of chunk {chunk.number} cannot be read again as before", cure
    )


def _packets_from(source: Any, picture: PictureSource, first: int) -> Iterator[Any]:
    """Yield the packets of a picture from one of its key frames on."""
    stream = source.streams[picture.stream]
    if first:
        earlier = picture.shown[first] - round(EARLIER / picture.base)
        source.seek(max(earlier, min(picture.shown)), stream=stream, backward=True, any_frame=False)
    begun = not first
    packets = (packet for packet in packets_of(source, stream) if packet.size)
    for packet in packets:
        begun = begun or (packet.pts == picture.shown[first] and packet.is_keyframe)
        if begun:
            yield packet
    if not begun:  # the seek went too far: read from the beginning
        source.seek(0, backward=True, any_frame=True)
        again = (packet for packet in packets_of(source, stream) if packet.size)
        yield from islice(again, first, None)


def _blocks(sound: Any, samples: Samples, before: int, chunk: PlannedChunk, lead: int) -> Iterator[Any]:
    """Yield the coded blocks of sound that belong to the chunk."""
    import av
    import numpy as np

    count = len(samples) // BLOCK
    first = chunk.start_block - before
    planes = np.ascontiguousarray(samples[: count * BLOCK].T.astype(np.float32))
    packets = []
    for number in range(count):
        piece = np.ascontiguousarray(planes[:, number * BLOCK : (number + 1) * BLOCK])
        frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=sound.codec_context.layout.name)
        frame.sample_rate, frame.time_base = SAMPLE_RATE, Fraction(1, SAMPLE_RATE)
        frame.pts = (first + number) * BLOCK
        packets += sound.encode(frame)
    packets += sound.encode(None)
    later = lead * SAMPLE_RATE
    for packet in packets:
        if chunk.start_block * BLOCK <= packet.pts < chunk.end_block * BLOCK:
            packet.pts += later
            packet.dts = packet.pts
            packet.duration = BLOCK
            yield packet


def _parted(file: bytes, number: int) -> tuple[bytes, bytes]:
    """Return the head of a fragmented file and its fragments, numbered from that of the chunk on."""
    head, body, fragments = bytearray(), bytearray(), 0
    at = 0
    while at + 8 <= len(file):
        size, kind = struct.unpack(">I4s", file[at : at + 8])
        box = bytearray(file[at : at + size])
        if kind in _HEAD:
            head += box
        elif kind in _BODY:
            if kind == b"moof":
                _number(box, number)
                fragments += 1
            body += box
        at += max(size, 8)
    assert fragments == 1, f"{fragments} fragments in a chunk"
    return bytes(head), bytes(body)


def _number(box: bytearray, number: int) -> None:
    """Give a fragment its number: `mfhd` is the first box in `moof`, and the number follows its flags."""
    assert box[12:16] == b"mfhd", "a fragment begins with its number"
    box[20:24] = struct.pack(">I", number)
