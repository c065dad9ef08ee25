"""Read a media file with PyAV alone: packets, decoded frames, times, tracks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.stream import Disposition


@dataclass(frozen=True, slots=True)
class Track:
    """One sound or subtitle track. `start` is the time of its first sample in seconds."""

    language: str
    codec: str
    default: bool
    start: Fraction | None = None
    samples: int = 0
    rate: int = 0
    packets: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """What is really in a file, found by reading all of it."""

    rate: Fraction | None
    """Average frames per second as the container states it."""
    times: tuple[Fraction, ...]
    """Presentation time of each decoded frame, in order of presentation."""
    frames: tuple[bytes, ...]
    """Digest of each decoded frame."""
    packets: tuple[bytes, ...]
    """Digest of each picture packet, in file order."""
    audio: tuple[Track, ...]
    subtitles: tuple[Track, ...]
    broken: int = 0
    """Packets that could not be decoded."""

    @property
    def start(self) -> Fraction:
        """Time of the first moment of picture or sound: the zero of the episode."""
        starts = [*self.times[:1], *(track.start for track in self.audio if track.start is not None)]
        return min(starts, default=Fraction(0))

    @property
    def end(self) -> Fraction:
        """Time of the last moment of picture or sound."""
        ends = [
            track.start + Fraction(track.samples, track.rate)
            for track in self.audio
            if track.start is not None and track.rate
        ]
        if self.times:
            last = self.times[-1] - self.times[-2] if len(self.times) > 1 else Fraction(0)
            ends.append(self.times[-1] + last)
        return max(ends, default=Fraction(0))


def read(path: Path) -> Reading:
    """Read a whole file. Raises `av.error.FFmpegError` when it is no media file."""
    with av.open(str(path), metadata_errors="replace") as container:
        pictures = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
        rate = pictures[0].average_rate if pictures else None
    times, frames, packets, broken = _pictures(path) if pictures else ((), (), (), 0)
    sounds, subtitles = _tracks(path)
    return Reading(rate, times, frames, packets, sounds, subtitles, broken)


def _pictures(path: Path) -> tuple[tuple[Fraction, ...], tuple[bytes, ...], tuple[bytes, ...], int]:
    with av.open(str(path), metadata_errors="replace") as container:
        stream = next(s for s in container.streams.video if not s.disposition & Disposition.attached_pic)
        stream.thread_type = "AUTO"
        packets: list[bytes] = []
        shown: list[tuple[Fraction, bytes]] = []
        broken = 0
        for packet in _demux(container, stream):
            if packet.size:
                packets.append(_digest(bytes(packet)))
            try:
                decoded = packet.decode()
            except av.error.FFmpegError:
                broken += 1
                continue
            shown.extend((_time(frame), _digest(pixels(frame))) for frame in decoded)
        shown.sort(key=lambda pair: pair[0])
        return tuple(t for t, _ in shown), tuple(d for _, d in shown), tuple(packets), broken


def _tracks(path: Path) -> tuple[tuple[Track, ...], tuple[Track, ...]]:
    with av.open(str(path), metadata_errors="replace") as container:
        sounds = [_sound(path, number) for number in range(len(container.streams.audio))]
        subtitles = tuple(
            Track(s.metadata.get("language", "und"), s.codec_context.name, _is_default(s))
            for s in container.streams.subtitles
        )
    return tuple(sounds), subtitles


def _sound(path: Path, number: int) -> Track:
    with av.open(str(path), metadata_errors="replace") as container:
        stream = container.streams.audio[number]
        start: Fraction | None = None
        end = Fraction(0)
        packets: list[bytes] = []
        for packet in _demux(container, stream):
            if packet.size:
                packets.append(_digest(bytes(packet)))
            try:
                decoded = packet.decode()
            except av.error.FFmpegError:
                continue
            for frame in decoded:
                begin = _time(frame)
                start = begin if start is None else min(start, begin)
                end = max(end, begin + Fraction(frame.samples, frame.sample_rate))
        rate = stream.rate or 0
        # By time stamps, not by adding up: a hole in the sound is part of its length.
        samples = round((end - start) * rate) if start is not None else 0
        language = stream.metadata.get("language", "und")
        codec = stream.codec_context.name
        return Track(language, codec, _is_default(stream), start, samples, rate, tuple(packets))


def _demux(container: Any, stream: Any) -> Iterator[Any]:
    """Yield the packets of a stream up to the end, or to where the file is cut off."""
    packets = container.demux(stream)
    while True:
        try:
            yield next(packets)
        except StopIteration:
            return
        except av.error.FFmpegError:
            return


def _time(frame: Any) -> Fraction:
    return Fraction(frame.pts or 0) * Fraction(frame.time_base)


def pixels(frame: Any) -> bytes:
    """Return the samples without the padding at line ends, which differs from run to run.

    Every size and pixel format is taken as it is stored: nothing is converted before it is compared.
    """
    parts = [f"{frame.format.name} {frame.width}x{frame.height}".encode()]
    for number, plane in enumerate(frame.planes):
        content = bytes(plane)
        if not plane.line_size:  # the palette
            parts.append(content)
            continue
        width = _line_bytes(frame, number)
        starts = range(0, plane.height * plane.line_size, plane.line_size)
        parts += [content[start : start + width] for start in starts]
    return b"".join(parts)


def _line_bytes(frame: Any, number: int) -> int:
    """Return the bytes of a line of one plane that hold samples."""
    components = frame.format.components
    if any(component.plane != components[0].plane for component in components):
        own = (component for component in components if component.plane == number)
        return sum(component.width * ((component.bits + 7) // 8) for component in own)
    # Packed: a line ends with whole groups of the pixels that share their colours.
    group = max(-(-frame.width // component.width) for component in components)
    pixels = -(-frame.width // group) * group
    return int(-(-pixels * frame.format.padded_bits_per_pixel // 8))


def _is_default(stream: Any) -> bool:
    return bool(stream.disposition & Disposition.default)


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()
