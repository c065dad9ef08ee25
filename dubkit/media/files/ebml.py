"""Read and write elements of EBML, the form that Matroska and WebM files have.

An element is an id, a size and a content; the content of some is elements again. Ids are given with their
length marker, as the specification of Matroska writes them (`0xAE`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

VOID, CHECKSUM = 0xEC, 0xBF
_UNKNOWN = -1
_LONGEST_HEAD = 12


@dataclass(frozen=True, slots=True)
class Place:
    """Where an element lies in a file: its head, its content, and its end (of what it lies in, if open)."""

    id: int
    start: int
    content: int
    end: int
    open: bool = False
    """Whether its size is not stated: a live stream."""


def places(file: BinaryIO, start: int, end: int) -> Iterator[Place]:
    """Yield the elements that lie side by side between two places; stop where the bytes are none."""
    while start < end:
        file.seek(start)
        head = _head(file.read(_LONGEST_HEAD))
        if head is None:
            return
        number, size, length = head
        stop = end if size == _UNKNOWN else start + length + size
        yield Place(number, start, start + length, min(stop, end), size == _UNKNOWN)
        start = stop


def read_elements(content: bytes) -> list[tuple[int, bytes]]:
    """Return ids and contents of the elements in a content, without padding and checksums."""
    found = []
    start = 0
    while start < len(content):
        head = _head(content[start : start + _LONGEST_HEAD])
        if head is None or head[1] == _UNKNOWN:
            break
        number, size, length = head
        if number not in (VOID, CHECKSUM):
            found.append((number, content[start + length : start + length + size]))
        start += length + size
    return found


def element(number: int, content: bytes, *, wide: bool = False) -> bytes:
    """Return an element as bytes; `wide` states its size in eight bytes, however small it is."""
    length = 8 if wide else next(n for n in range(1, 9) if len(content) < (1 << 7 * n) - 1)
    size = (len(content) | 1 << 7 * length).to_bytes(length, "big")
    return number.to_bytes((number.bit_length() + 7) // 8, "big") + size + content


def join(elements: list[tuple[int, bytes]]) -> bytes:
    """Return elements side by side, as a content."""
    return b"".join(element(number, content) for number, content in elements)


def whole_number(content: bytes) -> int:
    """Return the number that a content is."""
    return int.from_bytes(content, "big")


def text(content: bytes) -> str:
    """Return the text that a content is."""
    return content.split(b"\0", 1)[0].decode("utf-8", errors="replace")


def void(size: int) -> bytes:
    """Return padding of a number of bytes, two at least."""
    if size < 10:
        return element(VOID, bytes(size - 2))
    return element(VOID, bytes(size - 9), wide=True)


def _head(raw: bytes) -> tuple[int, int, int] | None:
    """Return id, size and length of a head; None where there is none."""
    if not raw or not raw[0] >> 4:
        return None
    id_length = 9 - raw[0].bit_length()
    if len(raw) <= id_length or not raw[id_length]:
        return None
    size_length = 9 - raw[id_length].bit_length()
    length = id_length + size_length
    if len(raw) < length:
        return None
    number = int.from_bytes(raw[:id_length], "big")
    most = (1 << 7 * size_length) - 1
    size = int.from_bytes(raw[id_length:length], "big") & most
    return number, _UNKNOWN if size == most else size, length
