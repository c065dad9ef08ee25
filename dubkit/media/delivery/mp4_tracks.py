"""Say in a finished mp4 file which subtitle tracks play by themselves.

FFmpeg turns the first subtitle track on when none is meant to be. The flag is one bit of the track's
header, so it is cleared in place.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_SUBTITLES = {b"sbtl", b"subt", b"text"}
_ENABLED = 1


def turn_subtitles_off(path: Path, kept_on: frozenset[int] = frozenset()) -> None:
    """Clear the flag of every subtitle track but those in `kept_on` (their numbers from 0, in file order)."""
    with path.open("r+b") as file:
        number = 0
        for moov in _boxes(file, 0, path.stat().st_size, b"moov"):
            for track in _boxes(file, *moov, b"trak"):
                if _handler(file, track) not in _SUBTITLES:
                    continue
                for start, _ in _boxes(file, *track, b"tkhd") if number not in kept_on else ():
                    file.seek(start + 3)  # behind the version: three bytes of flags
                    flags = file.read(1)[0]
                    file.seek(start + 3)
                    file.write(bytes([flags & ~_ENABLED]))
                number += 1


def _boxes(file: BinaryIO, start: int, end: int, name: bytes) -> Iterator[tuple[int, int]]:
    """Yield start and end of the content of each box of a name, side by side between two places."""
    while start + 8 <= end:
        file.seek(start)
        size, kind = struct.unpack(">I4s", file.read(8))
        head = 8
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8))
            head = 16
        size = size or end - start
        if kind == name:
            yield start + head, start + size
        start += max(size, head)


def _handler(file: BinaryIO, track: tuple[int, int]) -> bytes:
    """Return the kind of a track: `vide`, `soun`, `sbtl`."""
    for media in _boxes(file, *track, b"mdia"):
        for start, _ in _boxes(file, *media, b"hdlr"):
            file.seek(start + 8)
            return file.read(4)
    return b""
