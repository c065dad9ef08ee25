"""Code a whole picture once, near lossless, where packets of two encoders cannot share a stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from dubkit.errors import MediaError
from dubkit.media.files.container import open_media
from dubkit.media.splice.encode import Look, configure, encoder_format, look_of, prepare
from dubkit.media.splice.job import Filler, SpliceJob, packets, writing
from dubkit.media.splice.plan import stamp_of

_ENCODERS = {"h264": "libx264", "hevc": "libx265"}
_LIMITED, _BT709 = 1, 1
"""Video range and the matrix of HD, as FFmpeg numbers them."""
_BOTTOM_FIRST = {3, 4}
"""Field orders, as FFmpeg numbers them, whose bottom field is shown first."""


def encode_whole(job: SpliceJob, *, by_order: bool = False) -> tuple[str, int]:
    """Write every shown frame at its own time; return the codec and how many frames were missing.

    With `by_order` frames are counted as they are decoded, since their time stamps are not to be trusted.
    HEVC stays HEVC; everything else becomes H.264, which every container and player takes.
    """
    import av

    codec = "hevc" if job.found.codec == "hevc" else "h264"
    with open_media(job.source) as container:
        stream: Any = container.streams[job.video.index]
        stream.thread_type = "AUTO"
        look = _encodable(look_of(stream, job.found.time_base, job.video.rate), codec)
        filler = Filler(job, 0, len(job.found.stamps))
        with writing(job) as out:
            track = out.add_stream(_ENCODERS[codec], rate=look.rate, time_base=look.time_base)
            configure(track.codec_context, look, codec, _interlacing(look, codec))
            try:
                track.codec_context.open()
            except av.error.FFmpegError as error:
                problem = f"its {look.width}x{look.height} {look.pixel_format} picture cannot be encoded"
                raise MediaError(job.source, problem, "Scale it to an even size first.") from error
            frames = _numbered(job, _decoded(container, stream), by_order=by_order)
            durations = {packet.pts: packet.duration for packet in job.found.coded}
            for packet in _encoded(job, filler, frames, (track, look)):
                packet.duration = durations[packet.pts]
                packet.pts, packet.dts = packet.pts + job.shift, packet.dts + job.shift
                packet.stream = track
                out.mux_one(packet)
    return codec, filler.missing


def _encodable(look: Look, codec: str) -> Look:
    """The same look in a pixel format that the encoder takes; odd sizes need whole colour samples."""
    import av

    chosen = encoder_format(look.pixel_format, codec)
    if "444" not in chosen and (look.width % 2 or ("420" in chosen and look.height % 2)):
        chosen = chosen.replace("420", "444").replace("422", "444")
    colours = look.colours
    if av.VideoFormat(look.pixel_format).is_rgb:
        colours = (_LIMITED, colours[1], colours[2], _BT709)
    return replace(look, pixel_format=chosen, colours=colours)


def _interlacing(look: Look, codec: str) -> dict[str, object]:
    if codec != "h264" or look.field_order < 2:
        return {}
    return {"bff" if look.field_order in _BOTTOM_FIRST else "tff": 1}


def _encoded(
    job: SpliceJob, filler: Filler, frames: Iterator[tuple[int, Any]], target: tuple[Any, Look]
) -> Iterator[Any]:
    track, look = target
    for number, picture in _filled(filler, frames):
        fitted = _fitted(picture, look)
        prepare(fitted, job.found.stamps[number], job.found.time_base)
        yield from track.codec_context.encode(fitted)
    yield from track.codec_context.encode(None)


def _fitted(picture: Any, look: Look) -> Any:
    """The picture in size and pixel format of the track; RGB becomes BT.709, as the track says."""
    if (picture.width, picture.height, picture.format.name) == (look.width, look.height, look.pixel_format):
        return picture
    matrix = {"dst_colorspace": _BT709, "dst_color_range": _LIMITED} if picture.format.is_rgb else {}
    return picture.reformat(look.width, look.height, look.pixel_format, **matrix)


def _filled(filler: Filler, frames: Iterator[tuple[int, Any]]) -> Iterator[tuple[int, Any]]:
    for number, frame in frames:
        if number >= filler.following:
            yield from filler.take(number, frame)
    yield from filler.rest()


def _numbered(job: SpliceJob, frames: Iterator[Any], *, by_order: bool) -> Iterator[tuple[int, Any]]:
    if by_order:
        yield from zip(range(len(job.found.stamps)), frames, strict=False)
        return
    numbers = {stamp: number for number, stamp in enumerate(job.found.stamps)}
    for frame in frames:
        number = numbers.get(frame.pts if frame.pts is not None else frame.dts)
        if number is not None:
            yield number, frame


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
    import av

    previous = None
    for packet in packets(container, stream):
        packet.pts = stamp_of(packet, previous)
        previous = (packet.pts, packet.duration or 1)
        try:
            yield from packet.decode()
        except av.error.FFmpegError:
            continue
    yield from stream.codec_context.decode(None)
