"""How far a file goes by its own words: whether it was cut off, and whether another film lies behind it.

Containers state their length in different places, or mark their end. Only the outer layers are read, so that
a long film takes no longer than a short one, but for FLV and Ogg, which have to be walked through.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_UNKNOWN_32 = (0, 0xFFFFFFFF)
"""Lengths that programs write which cannot go back to the header."""
_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_FILE = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_EBML, _SEGMENT = b"\x1aE\xdf\xa3", b"\x18S\x80g"
_OUTER_BOXES = frozenset(
    b"ftyp moov mdat free skip wide moof mfra sidx ssix styp meta uuid udta pnot emsg prft".split()
)
"""Boxes of an mp4 that contain the others; what is not one of them has been written behind the film."""
_TAIL = 1 << 17
PACKETS = ((188, 0), (192, 4), (204, 0))
"""Bytes of a packet of a transport stream, and of the clock of discs in front of it."""
_PICTURES = {0x01, 0x02, 0x10, 0x1B, 0x20, 0x24, 0x33, 0x42, 0xD1, 0xEA}
"""Kinds of streams that hold pictures, as transport streams number them."""
_NEAR = 4000
"""Packets within which the table of a program follows that of the programs."""
_MOST_BOXES = 100_000


@dataclass(frozen=True, slots=True)
class Extent:
    """What a file says of its own length, in bytes."""

    promised: int | None = None
    """Where it should end, if that is behind its last byte."""
    broken: str = ""
    """Why it does not end as its format does, where it promises no length."""
    parts: tuple[int, ...] = ()
    """Where further films begin behind the first, each with a clock of its own."""


_Reader = Callable[["mmap.mmap"], Extent]


def extent(path: Path, container: str) -> Extent:
    """Read how far a file should go; `container` is the name that FFmpeg gives to its format."""
    reader = next((read for name, read in _READERS.items() if name in container.split(",")), None)
    if reader is None:
        return Extent()
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return Extent()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return reader(content)


def fragmented_parts(path: Path) -> list[int]:
    """Return where further heads begin in an mp4 of fragments, whose packets do not say where they lie."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return [at for at, kind, _ in _boxes(content, 0, len(content)) if at and kind == b"ftyp"]


def _beyond(content: mmap.mmap, end: int) -> int | None:
    return end if end > len(content) else None


# --- mp4, mov ---------------------------------------------------------------------------------


def _boxes(content: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, bytes, int]]:
    """Yield (start, type, end) of the boxes that lie beside each other."""
    at = start
    for _ in range(_MOST_BOXES):
        if at + 8 > end:
            return
        size, kind, head = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8], 8
        if size == 1 and at + 16 <= end:
            size, head = int.from_bytes(content[at + 8 : at + 16], "big"), 16
        if size == 0:
            size = len(content) - at
        if size < head or kind not in _OUTER_BOXES:
            return
        yield at, kind, at + size
        at += size


def _mp4(content: mmap.mmap) -> Extent:
    seen: set[bytes] = set()
    parts: list[int] = []
    begins = stop = 0
    for at, kind, end in _boxes(content, 0, len(content)):
        if kind == b"ftyp":
            begins = at
        # Fragmented films may say again what they began with.
        if kind == b"moov" and begins and {b"moov", b"mdat"} <= seen and b"moof" not in seen:
            parts.append(begins)
        seen.add(kind)
        stop = end
    return Extent(_beyond(content, stop), parts=tuple(dict.fromkeys(parts)))


# --- wav, avi, aiff ---------------------------------------------------------------------------


def _riff(content: mmap.mmap) -> Extent:
    at = 0
    parts: tuple[int, ...] = ()
    while content[at : at + 4] in (b"RIFF", b"RF64"):
        kind, size = content[at + 8 : at + 12], int.from_bytes(content[at + 4 : at + 8], "little")
        if at and kind == b"WAVE":
            parts += (at,)
        if size in _UNKNOWN_32:
            return Extent(broken=_unfinished_avi(content) if kind == b"AVI " else "", parts=parts)
        end = at + 8 + size
        if end > len(content):
            # Some recorders count the padding byte that they then leave out.
            return Extent(end if end > len(content) + 1 else None, parts=parts)
        at = end + (size & 1)
    return Extent(parts=parts)


def _unfinished_avi(content: mmap.mmap) -> str:
    if content.rfind(b"idx1", max(0, len(content) - (64 << 20))) >= 0:
        return ""
    return "it has no index, and its header was never finished"


def _wave64(content: mmap.mmap) -> Extent:
    return Extent(_beyond(content, int.from_bytes(content[16:24], "little")))


def _caf(content: mmap.mmap) -> Extent:
    at = 8
    while at + 12 <= len(content):
        size = int.from_bytes(content[at + 4 : at + 12], "big", signed=True)
        if size < 0:  # sound up to the end of the file, however long
            return Extent()
        at += 12 + size
    return Extent(_beyond(content, at))


def _form(content: mmap.mmap) -> Extent:
    size = int.from_bytes(content[4:8], "big")
    return Extent() if size in _UNKNOWN_32 else Extent(_beyond(content, 8 + size))


# --- Matroska, WebM ---------------------------------------------------------------------------


def _ebml_number(content: mmap.mmap, at: int) -> tuple[int | None, int]:
    """Return the length that stands at `at` (None: unknown), and the byte behind it."""
    first = content[at]
    width = 9 - first.bit_length()
    value = int.from_bytes(content[at : at + width], "big") & (1 << 7 * width) - 1
    return None if value == (1 << 7 * width) - 1 else value, at + width


def _matroska(content: mmap.mmap) -> Extent:
    at = 0
    parts: tuple[int, ...] = ()
    while at + 12 < len(content):
        name = content[at : at + 4]
        if name not in (_EBML, _SEGMENT):
            break
        if name == _EBML and at:
            parts += (at,)
        size, start = _ebml_number(content, at + 4)
        if size is None:
            break
        at = start + size
        if name == _SEGMENT and at > len(content):
            return Extent(at, parts=parts)
    return Extent(parts=parts)


# --- FLV, ASF, Ogg ----------------------------------------------------------------------------


def _flv(content: mmap.mmap) -> Extent:
    at = 0
    parts: tuple[int, ...] = ()
    while at + 11 <= len(content):
        if content[at : at + 4] == b"FLV\x01":
            parts += (at,) if at else ()
            at += int.from_bytes(content[at + 5 : at + 9], "big") + 4
            continue
        if content[at] & 0x1F not in (8, 9, 18):
            break
        end = at + 11 + int.from_bytes(content[at + 1 : at + 4], "big")
        if end > len(content):
            return Extent(broken="it ends in the middle of a packet", parts=parts)
        at = end + 4
    return Extent(parts=parts)


def _asf(content: mmap.mmap) -> Extent:
    at, parts = 0, []
    while content[at : at + 16] == _ASF_HEADER:
        if at:
            parts.append(at)
        found = content.find(_ASF_FILE, at, at + (1 << 20))
        if found < 0 or found + 89 > len(content):
            break
        size = int.from_bytes(content[found + 40 : found + 48], "little")
        live = content[found + 88] & 1
        if live or not size:
            break
        at += size
    return Extent(_beyond(content, at), parts=tuple(parts))


def _ogg(content: mmap.mmap) -> Extent:
    at, flags, data = 0, 0, False
    parts = []
    while at + 27 <= len(content) and content[at : at + 4] == b"OggS":
        flags, segments = content[at + 5], content[at + 26]
        if flags & 2 and data:
            parts.append(at)
        data = not flags & 2
        at += 27 + segments + sum(content[at + 27 : at + 27 + segments])
    broken = "" if flags & 4 or at < len(content) else "it has no mark of its end"
    if at > len(content):
        broken = "it ends in the middle of a page"
    return Extent(broken=broken, parts=tuple(parts))


# --- transport and program streams ------------------------------------------------------------


def _transport(content: mmap.mmap) -> Extent:
    for size, lead in PACKETS:
        if all(content[lead + n * size : lead + n * size + 1] == b"G" for n in range(5)):
            rest = len(content) % size
            last = len(content) - rest + lead
            broken = (
                "it ends in the middle of a packet"
                if rest and content[last : last + 1] in (b"G", b"")
                else ""
            )
            return Extent(broken=broken, parts=tuple(_new_programs(content, size, lead)))
    return Extent()


def _new_programs(content: mmap.mmap, size: int, lead: int) -> Iterator[int]:
    """Yield where the tables of a transport stream begin to name other pictures, and none of those before."""
    shown: set[int] = set()
    at = 0
    while (at := _table(content, at, 0, size, lead)) >= 0:
        pictures = _pictures(content, at, size, lead)
        if pictures and shown and not pictures & shown:
            yield _first_table(content, at, size, lead)
        shown = pictures or shown
        at += size


def _table(content: mmap.mmap, start: int, pid: int, size: int, lead: int) -> int:
    """Return where the next packet begins that starts a table of a stream; -1 for none."""
    mark = b"G" + (0x4000 | pid).to_bytes(2, "big")
    at = content.find(mark, start + lead)
    while at >= 0 and (at - lead) % size:
        at = content.find(mark, at + 1)
    return at - lead if at >= 0 else -1


def _section(content: mmap.mmap, at: int, size: int, lead: int) -> bytes:
    """Return a table as far as its first packet holds it."""
    packet = content[at + lead : at + min(size, 188 + lead)]
    start = 5 + packet[4] if packet[3] & 0x20 else 4
    section = packet[start + 1 + packet[start] :] if start < len(packet) else b""
    return section[: 3 + (int.from_bytes(section[1:3], "big") & 0xFFF) - 4] if len(section) > 8 else b""


def _pictures(content: mmap.mmap, at: int, size: int, lead: int) -> set[int]:
    """Return the streams of pictures in the programs that the table of programs at `at` names."""
    programs = _section(content, at, size, lead)[8:]
    found: set[int] = set()
    for entry in range(0, len(programs) - 3, 4):
        number, pid = struct.unpack_from(">HH", programs, entry)
        place = _table(content, at, pid & 0x1FFF, size, lead) if number else -1
        listed = _section(content, place, size, lead) if 0 <= place < at + _NEAR * size else b""
        if len(listed) < 12 or listed[0] != 2:
            continue
        stream = 12 + (int.from_bytes(listed[10:12], "big") & 0xFFF)
        while stream + 5 <= len(listed):
            if listed[stream] in _PICTURES:
                found.add(int.from_bytes(listed[stream + 1 : stream + 3], "big") & 0x1FFF)
            stream += 5 + (int.from_bytes(listed[stream + 3 : stream + 5], "big") & 0xFFF)
    return found


def _first_table(content: mmap.mmap, at: int, size: int, lead: int) -> int:
    while at >= size and is_table(content[at - size + lead : at]):
        at -= size
    return at


def is_table(packet: bytes) -> bool:
    """Tell whether a packet of a transport stream begins a table, not a piece of picture or sound."""
    payload = 5 + packet[4] if packet[3] & 0x20 else 4
    begins = packet[1] & 0x40
    return packet[:1] == b"G" and bool(begins) and packet[payload : payload + 3] != b"\0\0\1"


def _program(content: mmap.mmap) -> Extent:
    at = content.rfind(b"\0\0\1\xba", max(0, len(content) - _TAIL))
    if at < 0:
        return Extent()
    at += 14 + (content[at + 13] & 7) if content[at + 4] >> 6 == 1 and at + 14 < len(content) else 12
    while at + 6 <= len(content) and content[at : at + 3] == b"\0\0\1" and content[at + 3] >= 0xBB:
        at += 6 + int.from_bytes(content[at + 4 : at + 6], "big")
    return Extent(broken="it ends in the middle of a packet" if at > len(content) else "")


_READERS: Mapping[str, _Reader] = {
    "mp4": _mp4,
    "wav": _riff,
    "avi": _riff,
    "aiff": _form,
    "w64": _wave64,
    "caf": _caf,
    "matroska": _matroska,
    "flv": _flv,
    "asf": _asf,
    "ogg": _ogg,
    "mpegts": _transport,
    "mpeg": _program,
}
"""Names of formats as FFmpeg gives them -> how the length of such a file is read."""
