"""Blocks of a media file that FFmpeg neither shows nor copies, such as cameras and recorders write."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_BRANDS = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}
_FILE = _BRANDS | {b"moof", b"mfra", b"sidx", b"ssix", b"styp", b"emsg", b"prft", b"PICT", b"pdin"}
_MOVIE = {b"mvhd", b"trak", b"udta", b"meta", b"iods", b"mvex", b"free", b"skip", b"cmov", b"rmra"}
_OF_PLAYERS = {
    *(b"meta", b"name", b"chpl", b"loci", b"titl", b"auth", b"gnre", b"cprt", b"dscp", b"perf", b"albm"),
    *(b"yrrc", b"kind", b"ludt", b"hinf", b"tagc", b"free", b"FIRM", b"WLOC", b"LOOP", b"SelO", b"AllF"),
}
"""Boxes of user data that FFmpeg reads, or that say how to play. Names that begin with a © are tags."""
_WAVE = {
    *(
        b"fmt ",
        b"data",
        b"fact",
        b"LIST",
        b"bext",
        b"JUNK",
        b"junk",
        b"PAD ",
        b"FLLR",
        b"ds64",
        b"id3 ",
        b"ID3 ",
    )
}
_TAG = b"\xa9"
_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_MOST_BOXES = 10_000


def extra_blocks(path: Path) -> tuple[str, ...]:
    """Return the names of such blocks, each once: `GPMF`, `iXML`. Nothing for formats without any."""
    with path.open("rb") as file:
        head = file.read(12)
        size = path.stat().st_size
        if head[4:8] in _BRANDS:
            found = _of_mp4(file, size)
        elif head[:4] in (b"RIFF", b"RF64") and head[8:] == b"WAVE":
            found = (name for name, _, _ in _chunks(file, size) if name not in _WAVE)
        else:
            return ()
        return tuple(dict.fromkeys(_shown(name) for name in found))


def _of_mp4(file: BinaryIO, size: int) -> Iterator[bytes]:
    for name, start, end in _boxes(file, 0, size):
        if name == b"moov":
            yield from _of_movie(file, start, end)
        elif name not in _FILE:
            yield b"XMP" if name == b"uuid" and _read(file, start, 16) == _XMP else name


def _of_movie(file: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    for name, first, last in _boxes(file, start, end):
        if name == b"udta":
            yield from _of_user(file, first, last)
        elif name == b"trak":
            for inner, begin, stop in _boxes(file, first, last):
                if inner == b"udta":
                    yield from _of_user(file, begin, stop)
        elif name not in _MOVIE:
            yield name


def _of_user(file: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    for name, _, _ in _boxes(file, start, end):
        if name not in _OF_PLAYERS and not name.startswith(_TAG):
            yield name


def languages_of_mp4(path: Path) -> list[str]:
    """Return the language of each track as BCP-47 says it (box `elng`); empty where a track has none."""
    with path.open("rb") as file:
        if file.read(8)[4:] not in _BRANDS:
            return []
        found = []
        for movie in _named(file, b"moov", 0, path.stat().st_size):
            for track in _named(file, b"trak", *movie):
                media = next(_named(file, b"mdia", *track), (0, 0))
                start, end = next(_named(file, b"elng", *media), (0, 0))
                raw = _read(file, start + 4, max(0, min(end - start - 4, 100)))
                found.append(raw.split(b"\0", 1)[0].decode("ascii", errors="replace"))
        return found


def _named(file: BinaryIO, name: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    yield from ((first, last) for found, first, last in _boxes(file, start, end) if found == name)


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and end of the content of each box between two places; stop where there is none."""
    for _ in range(_MOST_BOXES):
        head = _read(file, start, 16)
        if start + 8 > end or len(head) < 8:
            return
        size, name = struct.unpack(">I4s", head[:8])
        length = 8
        if size == 1 and len(head) == 16:
            size, length = struct.unpack(">Q", head[8:])[0], 16
        size = size or end - start
        if size < length or start + size > end:
            return
        yield name, start + length, start + size
        start += size


def _chunks(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    start = 12
    for _ in range(_MOST_BOXES):
        head = _read(file, start, 8)
        if len(head) < 8:
            return
        name, length = struct.unpack("<4sI", head)
        yield name, start + 8, start + 8 + length
        start += 8 + length + length % 2
        if start > size:
            return


def _read(file: BinaryIO, start: int, count: int) -> bytes:
    file.seek(start)
    return file.read(count)


def _shown(name: bytes) -> str:
    return name.decode("latin-1").strip() if name.isascii() and name.strip() else name.hex()
