"""What an mp4 says of its picture beside the frames, as its own boxes: kept where FFmpeg does not write it.

FFmpeg reads whether a film has two pictures side by side, for example, but writes it back only in part.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

from dubkit.errors import DiskFull

SHOWN = frozenset((b"st3d", b"sv3d", b"mdcv", b"clli", b"cclv", b"amve", b"clap"))
"""Boxes that say how pictures are shown, whoever encoded them: two eyes, 360 degrees, light, cropping."""
LAYERED = frozenset((b"dvcC", b"dvvC", b"dvwC", b"lhvC", b"vexu", b"hfov"))
"""Boxes that say how to read what else lies in the packets: Dolby Vision, the second eye."""
_STEREO = {1: ("top_bottom", "top and bottom"), 2: ("left_right", "side by side")}
"""Modes of `st3d` -> what Matroska and FFmpeg call them."""

_PARENTS = (b"mdia", b"minf", b"stbl", b"stsd")
_ENTRY_HEAD = 86
"""Bytes of a picture's entry before its boxes."""
_LIST_HEAD = 16
"""Bytes of the list of entries before its first entry."""
_MOST_MOOV = 1 << 30
_BLOCK = 1 << 20

Place = tuple[int, int, int]
"""Where a box starts, where its content starts, and where it ends."""


def picture_boxes(path: Path, track: int = 0) -> dict[bytes, bytes]:
    """Return the boxes of `SHOWN` and `LAYERED` that an mp4 has for its picture.

    `track` is the number that the file gives its tracks; 0 takes the first picture. Nothing for other files.
    """
    found = _moov(path)
    if found is None:
        return {}
    _, moov = found
    chain = _entry(moov, track)
    if not chain:
        return {}
    _, start, end = chain[-1]
    kept = SHOWN | LAYERED
    return {kind: moov[at:stop] for kind, (at, _, stop) in _boxes(moov, start, end) if kind in kept}


def stereo_tags(boxes: Mapping[bytes, bytes]) -> dict[str, str]:
    """Return the tag from which FFmpeg makes what Matroska says of a film for two eyes."""
    mode = _STEREO.get(boxes.get(b"st3d", bytes(13))[12])
    return {"stereo_mode": mode[0]} if mode else {}


def stereo_words(path: Path, track: int) -> str:
    """Return how FFmpeg calls the way in which an mp4 holds pictures for two eyes; "" where it has one."""
    mode = _STEREO.get(picture_boxes(path, track).get(b"st3d", bytes(13))[12])
    return mode[1] if mode else ""


def add_picture_boxes(path: Path, boxes: Mapping[bytes, bytes]) -> None:
    """Give the first picture of a finished mp4 the `boxes` that it does not have yet."""
    missing = {kind: box for kind, box in boxes.items() if kind not in picture_boxes(path)}
    found = _moov(path) if missing else None
    if found is None:
        return
    offset, moov = found
    chain = _entry(moov, 0)
    if not chain:
        return
    added = b"".join(missing.values())
    edited = bytearray(moov)
    _shift_chunks(edited, offset, len(added))
    for start, _, end in chain:
        edited[start : start + 4] = struct.pack(">I", end - start + len(added))
    # Behind the codec's own box: FFmpeg refuses a film whose two eyes are named after its 360 degrees.
    _, first, end = chain[-1]
    at = next((stop for _, (_, _, stop) in _boxes(moov, first, end)), end)
    _replace(path, offset, len(moov), bytes(edited[:at]) + added + bytes(edited[at:]))


def _moov(path: Path) -> tuple[int, bytes] | None:
    """Return where the index of an mp4 lies, and the index."""
    size = path.stat().st_size
    with path.open("rb") as file:
        at = 0
        while at + 8 <= size:
            file.seek(at)
            head = file.read(16)
            length, kind = struct.unpack(">I4s", head[:8])
            if length == 1 and len(head) == 16:
                (length,) = struct.unpack(">Q", head[8:])
            length = length or size - at
            if length < 8:
                return None
            if kind == b"moov":
                if length > _MOST_MOOV:
                    return None
                file.seek(at)
                return at, file.read(length)
            at += length
    return None


def _boxes(content: bytes | bytearray, start: int, end: int) -> Iterator[tuple[bytes, Place]]:
    while start + 8 <= end:
        length, kind = struct.unpack_from(">I4s", content, start)
        if length < 8 or start + length > end:
            return
        yield bytes(kind), (start, start + 8, start + length)
        start += length


def _tracks(moov: bytes | bytearray) -> Iterator[Place]:
    yield from (place for kind, place in _boxes(moov, 8, len(moov)) if kind == b"trak")


def _child(content: bytes | bytearray, place: Place, name: bytes) -> Place | None:
    return next((found for kind, found in _boxes(content, place[1], place[2]) if kind == name), None)


def _entry(moov: bytes, number: int) -> list[Place]:
    """Return the entry that describes a picture, behind the boxes that hold it; nothing if it has several."""
    for track in _tracks(moov):
        media, head = _child(moov, track, b"mdia"), _child(moov, track, b"tkhd")
        handler = _child(moov, media, b"hdlr") if media else None
        if not (head and handler) or moov[handler[1] + 8 : handler[1] + 12] != b"vide":
            continue
        wide = moov[head[1]]  # version 1 has longer dates before the number
        if number and number != int.from_bytes(moov[head[1] + (20 if wide else 12) :][:4], "big"):
            continue
        chain: list[Place] = [(0, 8, len(moov)), track]
        for name in _PARENTS:
            inner = _child(moov, chain[-1], name)
            if inner is None:
                return []
            chain.append(inner)
        listed, _, end = chain[-1]
        entries = [place for _, place in _boxes(moov, listed + _LIST_HEAD, end)]
        if len(entries) != 1:
            return []
        start, _, stop = entries[0]
        return [*chain, (start, start + _ENTRY_HEAD, stop)]
    return []


def _shift_chunks(moov: bytearray, offset: int, by: int) -> None:
    """Move every place that the index names and that lies behind it."""
    for track in _tracks(moov):
        place: Place | None = track
        for name in _PARENTS[:3]:
            place = _child(moov, place, name) if place else None
        for kind, (_, start, _) in _boxes(moov, place[1], place[2]) if place else ():
            if kind not in (b"stco", b"co64"):
                continue
            form = f">{int.from_bytes(moov[start + 4 : start + 8], 'big')}{'I' if kind == b'stco' else 'Q'}"
            chunks = struct.unpack_from(form, moov, start + 8)
            struct.pack_into(form, moov, start + 8, *(at + by if at > offset else at for at in chunks))


def _replace(path: Path, offset: int, length: int, content: bytes) -> None:
    """Write a file anew with `content` in the place of some of its bytes. Raises `DiskFull`."""
    new = path.with_name(f".{path.name}.new")
    try:
        with path.open("rb") as old, new.open("wb") as out:
            for start, end in ((0, offset), (offset + length, path.stat().st_size)):
                out.write(content if start else b"")
                old.seek(start)
                while start < end:
                    start += out.write(old.read(min(end - start, _BLOCK)))
        new.replace(path)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFull(path) from error
        raise
    finally:
        new.unlink(missing_ok=True)
