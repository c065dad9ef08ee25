"""Everything that a media file holds beside picture and sound themselves: tracks, tags, chapters, flags."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dubkit.media.files.command import arguments, media_input
from dubkit.media.files.container import codec_name, is_cover, is_picture, open_media
from dubkit.media.files.extras import extra_blocks, languages_of_mp4
from dubkit.media.files.ffmpeg import ffmpeg_exe
from dubkit.media.files.matroska import MatroskaHead, read_matroska
from dubkit.media.files.mp4_picture import stereo_words

_STREAM = re.compile(r"^ +Stream #\d+:(\d+)(?:\[\w+\])?(?:\([^)]*\))?: (\w+): (.*)$")
_TAG = re.compile(r"\((\S{4}) / 0x[0-9A-Fa-f]{8}\)")
_PROGRAM = re.compile(r"^ {6}(service_name|service_provider) *: (.+)$", re.MULTILINE)
_UNNAMED = {"Service01", "FFmpeg"}
"""What FFmpeg calls a program that has no name."""
_BITS = re.compile(r"\((\d+) bit\)")
_UNSTABLE = ("CPB properties", "producer reference")
"""Side data that says nothing about what people see."""
_UNSPECIFIED = "Stereo 3D: unspecified"
_CAPTIONS = "Closed Captions"
"""How ffmpeg says of a picture that its frames carry captions."""
_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Track:
    """One track. `kind` is `video`, `audio`, `subtitle`, `cover`, `attachment` or `data`."""

    index: int
    kind: str
    codec: str
    language: str = "und"
    locale: str = ""
    """The language as BCP-47 says it (`pt-BR`), where the file does."""
    title: str = ""
    flags: frozenset[str] = frozenset()
    known: bool = True
    """Whether anything here decodes it."""
    channels: int = 0
    samples: str = ""
    """How sound is stored when it is decoded, such as `s16` or `fltp`."""
    tag: str = ""
    """Four characters that name the codec in the file, such as `gpmd`; empty when it has none."""
    bits: int = 0
    """Bits of a sample that count, where fewer than are stored."""
    side_data: tuple[str, ...] = ()
    """Descriptions of a picture that lie beside its frames, as ffmpeg words them."""
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a file holds."""

    tracks: tuple[Track, ...]
    tags: dict[str, str]
    chapters: tuple[tuple[float, float, str], ...]
    """Start and end in seconds, and name."""
    more_names: int = 0
    """Names in further languages and inner chapters, which are not among `chapters`."""
    matroska: MatroskaHead | None = None
    extras: tuple[str, ...] = ()
    """Names of blocks that FFmpeg neither shows nor copies."""


@dataclass(slots=True)
class _Words:
    """What ffmpeg says of a track when it opens the file."""

    tag: str = ""
    bits: int = 0
    side_data: list[str] = field(default_factory=list)


def read_inventory(path: Path) -> Inventory:
    """List what a file holds. Raises `MediaError` when it cannot be opened."""
    said = _said(path)
    words = _read_words(said)
    matroska = read_matroska(path)
    locales = dict(enumerate(matroska.locales if matroska else languages_of_mp4(path)))
    with open_media(path) as container:
        if "mp4" in container.format.name:
            _name_stereo(path, container, words)
        tracks = tuple(
            _track(stream, words.get(stream.index, _Words()), locales.get(stream.index, ""))
            for stream in container.streams
        )
        tags = _program_tags(said) | dict(container.metadata)
        if matroska and matroska.title:
            tags["title"] = matroska.title  # FFmpeg has the title of the series in its place
        chapters = tuple(_chapter(chapter) for chapter in container.chapters())
    more_names = matroska.more_names if matroska else 0
    return Inventory(tracks, tags, chapters, more_names, matroska, extra_blocks(path))


def _name_stereo(path: Path, container: Any, words: dict[int, _Words]) -> None:
    """Name what FFmpeg calls unspecified: where a film has 360 degrees, it does not read the two eyes."""
    for index, said in words.items():
        for number, text in enumerate(said.side_data):
            if text.startswith(_UNSPECIFIED):
                named = stereo_words(path, container.streams[index].id)
                said.side_data[number] = text.replace(_UNSPECIFIED, f"Stereo 3D: {named or 'unspecified'}")


def _chapter(chapter: Any) -> tuple[float, float, str]:
    unit = chapter["time_base"] or 0
    return (
        float(chapter["start"] * unit),
        float(chapter["end"] * unit),
        str(chapter["metadata"].get("title", "")),
    )


def _track(stream: Any, words: _Words, locale: str) -> Track:
    import av

    context = getattr(stream, "codec_context", None)
    kind = "cover" if is_cover(stream) else stream.type
    if kind == "video" and not is_picture(stream):
        kind = "data" if context is not None else "video"  # thumbnails that stand for moments
    codec = codec_name(stream) if context is not None else getattr(stream, "name", None) or "unknown"
    return Track(
        index=stream.index,
        kind=kind,
        codec=codec,
        language=str(stream.metadata.get("language") or "und"),
        locale="" if locale == "und" else locale,
        title=str(stream.metadata.get("title") or stream.metadata.get("name") or ""),
        flags=frozenset(str(flag.name) for flag in av.stream.Disposition if flag & stream.disposition),
        known=context is not None,
        channels=context.layout.nb_channels if kind == "audio" and context is not None else 0,
        samples=context.format.name if kind == "audio" and context is not None and context.format else "",
        tag=words.tag,
        bits=words.bits,
        side_data=tuple(words.side_data),
        tags=dict(stream.metadata),
    )


def _said(path: Path) -> str:
    """Ask the ffmpeg program, which names what the library of the same name does not give to Python."""
    source = media_input(path)
    command = [ffmpeg_exe()[0], "-nostdin", "-hide_banner", *arguments([source["0"]], {})]
    try:
        done = subprocess.run(
            command[: command.index("-map")],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stderr


def _program_tags(text: str) -> dict[str, str]:
    """Return the names that a broadcast has; they stand before its first stream."""
    before = text.split("Stream #", 1)[0]
    return {match[1]: match[2] for match in _PROGRAM.finditer(before) if match[2] not in _UNNAMED}


def _read_words(text: str) -> dict[int, _Words]:
    found: dict[int, _Words] = {}
    current: _Words | None = None
    depth = -1
    for line in text.splitlines():
        match = _STREAM.match(line)
        indent = len(line) - len(line.lstrip())
        if match:
            tag, bits = _TAG.search(match[3]), _BITS.search(match[3])
            current = _Words(tag[1] if tag else "", int(bits[1]) if bits else 0)
            found[int(match[1])] = current
            if _CAPTIONS in match[3]:
                current.side_data.append(_CAPTIONS)
            depth = -1
        elif current is not None and line.strip() == "Side data:":
            depth = indent
        elif current is not None and depth >= 0 and indent > depth:
            if not line.strip().startswith(_UNSTABLE):
                current.side_data.append(line.strip())
        else:
            depth = -1
    return found
