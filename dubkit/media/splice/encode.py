"""Encode single spans of a picture so that they stand in one stream beside the source's own packets.

Near lossless: a constant quantiser bounds the error of every frame whatever it shows, about 50 dB. There
are no B frames, so pictures are stored in showing order; quick presets cost size, not quality. Results do
not depend on the machine's cores.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from dubkit.media.files.units import (
    carried_messages,
    free_id,
    header_units,
    is_behind_picture,
    is_picture_unit,
    join_units,
    merged_header,
    split_units,
    with_hevc_ids,
)
from dubkit.media.splice.plan import NotSpliceable, Survey

QUANTISER = 14
"""Of 8-bit pictures; deeper ones get the same step relative to their range."""

_ENCODERS = {"h264": "libx264", "hevc": "libx265"}
_KEY_SECONDS = 2
_THREADS = 8
"""Fixed, since the encoders' results depend on it."""
_PROFILES = {66: "baseline", 77: "main", 100: "high", 110: "high10", 122: "high422", 244: "high444"}


@dataclass(frozen=True, slots=True)
class Look:
    """How the pictures of a stream are stored and shown."""

    width: int
    height: int
    pixel_format: str
    rate: Fraction
    time_base: Fraction
    sample_aspect: Fraction
    colours: tuple[int, int, int, int]
    """Range, primaries, transfer and matrix, as FFmpeg numbers them."""
    field_order: int = 0


@dataclass(frozen=True, slots=True)
class EncodedPacket:
    """One packet, its units in storage form, shown at `pts`."""

    content: bytes
    pts: int
    key: bool


def look_of(stream: Any, time_base: Fraction, rate: Fraction) -> Look:
    """Read the look of an opened picture stream."""
    context = stream.codec_context
    return Look(
        width=context.width,
        height=context.height,
        pixel_format=str(context.pix_fmt),
        rate=rate,
        time_base=time_base,
        sample_aspect=Fraction(context.sample_aspect_ratio or stream.sample_aspect_ratio or 1),
        colours=(context.color_range, context.color_primaries, context.color_trc, context.colorspace),
        field_order=context.field_order,
    )


def encoder_format(pixel_format: str, codec: str) -> str:
    """Pixel format of the encoder that loses nothing of `pixel_format`, or the nearest."""
    import av

    formats = {found.name: found for found in av.codec.Codec(_ENCODERS[codec], "w").video_formats or ()}
    if pixel_format in formats:
        return pixel_format
    wanted = av.VideoFormat(pixel_format)
    depth = max(component.bits for component in wanted.components)
    chroma = _chroma(wanted)
    for bits in (8, 10, 12):
        if depth <= bits:
            name = f"yuv{chroma}p" + ("" if bits == 8 else f"{bits}le")
            if name in formats:
                return name
    return f"yuv{chroma}p10le"


def _chroma(wanted: Any) -> str:
    if wanted.is_rgb or not wanted.chroma_width(16):
        return "444"
    across, down = wanted.chroma_width(16), wanted.chroma_height(16)
    return "420" if (across, down) in ((8, 8), (4, 4)) else "422" if across <= 8 else "444"


def configure(context: Any, look: Look, codec: str, parameters: dict[str, object]) -> None:
    """Set an encoder up for pictures of `look`; `parameters` are the library's own options."""
    import av

    context.width, context.height = look.width, look.height
    context.pix_fmt = look.pixel_format
    context.time_base = look.time_base
    context.framerate = look.rate
    context.sample_aspect_ratio = look.sample_aspect
    context.color_range, context.color_primaries, context.color_trc, context.colorspace = look.colours
    context.flags |= av.codec.context.Flags.global_header
    context.max_b_frames = 0
    context.thread_count = _THREADS
    key = max(1, min(250, round(look.rate * _KEY_SECONDS)))
    common: dict[str, object] = {"keyint": key, "min-keyint": 1, "bframes": 0, "open-gop": 0}
    if codec == "h264":
        depth = max(component.bits for component in av.VideoFormat(look.pixel_format).components)
        quantiser = QUANTISER + 6 * (depth - 8)
        common |= {"qp": quantiser, "threads": _THREADS, "lookahead-threads": 1, "ref": 2}
        context.options |= {"preset": "veryfast", "a53cc": "0"}
        name = "x264-params"
    else:
        common |= {"qp": QUANTISER, "frame-threads": 2, "info": 0, "log-level": "none", "repeat-headers": 0}
        context.options |= {"preset": "superfast"}
        name = "x265-params"
    settings = ":".join(f"{key}={value}" for key, value in (common | parameters).items())
    context.options = context.options | {name: settings}


class SpanEncoder:
    """Codes one span; its first picture can be decoded without any other packet."""

    def __init__(self, found: Survey, look: Look) -> None:
        """Raise `NotSpliceable` when the pictures cannot stand beside the source's own."""
        import av

        self._codec, self._size, self._time_base = found.codec, found.unit_size, found.time_base
        try:
            self._id = free_id(found.sets, found.codec)
        except (ValueError, IndexError) as error:
            raise NotSpliceable(str(error)) from error
        if encoder_format(look.pixel_format, found.codec) != look.pixel_format:
            raise NotSpliceable(f"there is no encoder for {look.pixel_format}")
        self._context: Any = av.CodecContext.create(_ENCODERS[found.codec], "w")
        parameters: dict[str, object] = {}
        if found.codec == "h264":
            parameters["sps-id"] = self._id
            profile = _PROFILES.get(found.sets[0][1])
            if profile:
                self._context.options |= {"profile": profile}
        configure(self._context, look, found.codec, parameters)
        try:
            self._context.open()
            units = header_units(bytes(self._context.extradata or b""), found.codec)
            self.sets = [self._numbered(unit) for unit in units]
        except (av.error.FFmpegError, ValueError) as error:
            raise NotSpliceable(f"the encoder refuses such pictures ({error})") from error
        self._messages: dict[int, list[bytes]] = {}

    def _numbered(self, unit: bytes) -> bytes:
        return with_hevc_ids(unit, self._id) if self._codec == "hevc" else unit

    def encode(self, frame: Any, pts: int, messages: list[bytes]) -> Iterator[EncodedPacket]:
        """Take the next picture in showing order, with the `messages` that belong to it."""
        if messages:
            self._messages[pts] = messages
        prepare(frame, pts, self._time_base)
        yield from map(self._stored, self._context.encode(frame))

    def finish(self) -> Iterator[EncodedPacket]:
        """Yield what is left."""
        yield from map(self._stored, self._context.encode(None))

    def _stored(self, packet: Any) -> EncodedPacket:
        units = split_units(bytes(packet), 0)
        pictures = [self._numbered(unit) for unit in units if is_picture_unit(unit, self._codec)]
        head = self.sets if packet.is_keyframe else []
        messages = self._messages.pop(packet.pts, [])
        behind = [unit for unit in messages if is_behind_picture(unit, self._codec)]
        before = [unit for unit in messages if unit not in behind]
        content = join_units([*head, *before, *pictures, *behind], self._size)
        return EncodedPacket(content, packet.pts, packet.is_keyframe)


def prepare(frame: Any, pts: int, time_base: Fraction) -> None:
    """Let the encoder choose the type of a decoded or made picture, and place it at `pts`."""
    frame.pict_type = 0
    frame.time_base = time_base
    frame.pts = pts


def header_with(found: Survey, encoder: SpanEncoder) -> bytes:
    """Header of the spliced stream: the source's, and what describes the coded spans."""
    return merged_header(found.extradata, encoder.sets, found.codec)


def messages_of(content: bytes, found: Survey) -> list[bytes]:
    """Captions and HDR metadata of a packet of the source."""
    if found.codec not in _ENCODERS:
        return []
    return carried_messages(split_units(content, found.unit_size), found.codec)
