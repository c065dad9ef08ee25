"""What Matroska says of a film and FFmpeg does not pass on: languages in full, chapters of every shape, tags.

A film may name each chapter in several languages and put chapters into chapters; FFmpeg keeps one name of
the outer ones. It reads ISO 639-2 languages (`por`), where a track says `pt-BR`. It has one title for the
film and for the series.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from dubkit.media.files import ebml

_EBML, _SEGMENT, _CLUSTER = 0x1A45DFA3, 0x18538067, 0x1F43B675
_SEEK_HEAD, _SEEK, _SEEK_ID, _SEEK_POSITION = 0x114D9B74, 0x4DBB, 0x53AB, 0x53AC
_INFO, _TITLE = 0x1549A966, 0x7BA9
_TRACKS, _TRACK, _TYPE, _LANGUAGE, _LOCALE = 0x1654AE6B, 0xAE, 0x83, 0x22B59C, 0x22B59D
_CHAPTERS, _EDITION, _CHAPTER, _DISPLAY = 0x1043A770, 0x45B9, 0xB6, 0x80
_CHAPTER_TIMES = (0x91, 0x92)
_TAGS, _TAG, _TARGETS = 0x1254C367, 0x7373, 0x63C0
_OWNERS = (0x63C5, 0x63C6)
"""Targets of tags that belong to a track or an attachment."""
_HEADS = (_INFO, _TRACKS, _CHAPTERS, _TAGS)
_SHOWN = (1, 2, 17, 33)
"""Types of tracks that FFmpeg counts as streams: picture, sound, subtitles, metadata."""
_MOST_BYTES = 64 * 2**20
"""More than any true list of chapters or tags takes."""
_NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class MatroskaHead:
    """What lies before and behind the film itself, as contents of elements; empty where there is none."""

    title: str = ""
    locales: tuple[str, ...] = ()
    """Language of each track as BCP-47 says it (`pt-BR`); empty where the file says less."""
    chapters: bytes = b""
    tags: bytes = b""

    @property
    def more_names(self) -> int:
        """Names and inner chapters beyond one name for each chapter."""
        return sum(_more_names(edition) for edition in _all(self.chapters, _EDITION))

    @property
    def global_tags(self) -> list[tuple[int, bytes]]:
        """Tags of the film, its series and its chapters; those of tracks go along with the tracks."""
        return [(_TAG, tag) for tag in _all(self.tags, _TAG) if not _is_of_a_track(tag)]


def read_matroska(path: Path) -> MatroskaHead | None:
    """Read a Matroska or WebM file; None for any other file."""
    with path.open("rb") as file:
        size = path.stat().st_size
        first = next(ebml.places(file, 0, size), None)
        if first is None or first.id != _EBML:
            return None
        heads = [place for place in _parts(file, size) if place.id in _HEADS]
        found = {p.id: _content(file, p) for p in heads if p.end - p.content <= _MOST_BYTES}
    info = dict(ebml.read_elements(found.get(_INFO, b"")))
    return MatroskaHead(
        title=ebml.text(info.get(_TITLE, b"")),
        locales=_locales(found.get(_TRACKS, b"")),
        chapters=found.get(_CHAPTERS, b""),
        tags=found.get(_TAGS, b""),
    )


def padding_for(head: MatroskaHead, tracks: int) -> int:
    """Return the bytes to leave free in a new file, for `complete_matroska` to write into."""
    return len(head.chapters) + len(head.tags) + len(head.title.encode()) + 64 * tracks + 1024


def complete_matroska(path: Path, head: MatroskaHead, zero: float = 0.0) -> bool:
    """Write title, languages, chapters and tags into a new file, in the padding before its pictures.

    `zero` is the time of the film, in seconds, at which the new file begins. Tells whether there was room;
    nothing is changed where there was none.
    """
    with path.open("r+b") as file:
        size = path.stat().st_size
        segment = next((p for p in ebml.places(file, 0, size) if p.id == _SEGMENT), None)
        if segment is None:
            return False
        parts = []
        room = segment.end
        for part in ebml.places(file, segment.content, segment.end):
            if part.id == _CLUSTER:
                room = part.start
                break
            parts.append((part.id, _content(file, part)))
        new = _laid_out(parts, head, zero, segment.content, room)
        if new is None:
            return False
        file.seek(segment.content)
        file.write(new)
    return True


def _laid_out(
    parts: Sequence[tuple[int, bytes]], head: MatroskaHead, zero: float, start: int, room: int
) -> bytes | None:
    """Return everything before the first cluster, as long as it was; None where it does not fit."""
    contents = {number: content for number, content in parts if number not in (ebml.VOID, ebml.CHECKSUM)}
    places = _seek_entries(contents.pop(_SEEK_HEAD, b""))
    contents = _completed(contents, head, zero)
    blocks = {number: ebml.element(number, content, wide=True) for number, content in contents.items()}
    # Positions of eight bytes each: the list is as long, whatever they are.
    kept = {number: place for number, place in places.items() if place >= room - start}
    order = [*blocks, *kept]
    position = len(_seek_head(dict.fromkeys(order, 0)))
    for number, block in blocks.items():
        kept[number] = position
        position += len(block)
    laid = _seek_head({number: kept[number] for number in order}) + b"".join(blocks.values())
    free = room - start - len(laid)
    return laid + ebml.void(free) if free >= 2 else laid if free == 0 else None


def _completed(contents: dict[int, bytes], head: MatroskaHead, zero: float) -> dict[int, bytes]:
    done = dict(contents)
    if head.title:
        info = [pair for pair in ebml.read_elements(contents.get(_INFO, b"")) if pair[0] != _TITLE]
        done[_INFO] = ebml.join([*info, (_TITLE, head.title.encode())])
    done[_TRACKS] = _with_locales(contents.get(_TRACKS, b""), head.locales)
    if head.chapters:
        moved = round(zero * _NANOSECONDS)
        done[_CHAPTERS] = _shifted(head.chapters, moved) if moved else head.chapters
    if head.global_tags:
        own = [pair for pair in ebml.read_elements(contents.get(_TAGS, b"")) if _is_of_a_track(pair[1])]
        done[_TAGS] = ebml.join([*head.global_tags, *own])
    return done


def _with_locales(tracks: bytes, locales: Sequence[str]) -> bytes:
    found = []
    streams = 0
    for number, content in ebml.read_elements(tracks):
        fields = ebml.read_elements(content)
        if number == _TRACK and _is_shown(fields):
            locale = locales[streams] if streams < len(locales) else ""
            streams += 1
            if locale:
                fields = [pair for pair in fields if pair[0] != _LOCALE]
                content = ebml.join([*fields, (_LOCALE, locale.encode())])
        found.append((number, content))
    return ebml.join(found)


def _locales(tracks: bytes) -> tuple[str, ...]:
    entries = (ebml.read_elements(content) for content in _all(tracks, _TRACK))
    shown = (dict(fields) for fields in entries if _is_shown(fields))
    return tuple(ebml.text(fields.get(_LOCALE, b"")) for fields in shown)


def _is_shown(fields: Sequence[tuple[int, bytes]]) -> bool:
    return any(number == _TYPE and ebml.whole_number(content) in _SHOWN for number, content in fields)


def _shifted(content: bytes, nanoseconds: int) -> bytes:
    """Return chapters, or what lies in them, with their times moved towards the beginning."""
    moved = []
    for number, inner in ebml.read_elements(content):
        if number in (_EDITION, _CHAPTER):
            inner = _shifted(inner, nanoseconds)
        elif number in _CHAPTER_TIMES:
            time = max(0, ebml.whole_number(inner) - nanoseconds)
            inner = time.to_bytes(max(1, (time.bit_length() + 7) // 8), "big")
        moved.append((number, inner))
    return ebml.join(moved)


def _more_names(content: bytes) -> int:
    """Count the names of the chapters in an edition or a chapter that are not the first of an outer one."""
    chapters = [ebml.read_elements(inner) for inner in _all(content, _CHAPTER)]
    return sum(
        max(0, sum(number == _DISPLAY for number, _ in chapter) - 1)
        + sum(number == _CHAPTER for number, _ in chapter)
        + _more_names(ebml.join(chapter))
        for chapter in chapters
    )


def _is_of_a_track(tag: bytes) -> bool:
    targets = dict(ebml.read_elements(tag)).get(_TARGETS, b"")
    return any(ebml.whole_number(c) for n, c in ebml.read_elements(targets) if n in _OWNERS)


def _all(content: bytes, number: int) -> list[bytes]:
    """Return the contents of all elements of one kind."""
    return [inner for kind, inner in ebml.read_elements(content) if kind == number]


def _seek_entries(content: bytes) -> dict[int, int]:
    """Return where the parts of a file begin, counted from the content of its segment."""
    found = {}
    for number, entry in ebml.read_elements(content):
        fields = dict(ebml.read_elements(entry))
        if number == _SEEK and _SEEK_ID in fields and _SEEK_POSITION in fields:
            found[ebml.whole_number(fields[_SEEK_ID])] = ebml.whole_number(fields[_SEEK_POSITION])
    return found


def _seek_head(entries: dict[int, int]) -> bytes:
    content = [
        (
            _SEEK,
            ebml.join(
                [
                    (_SEEK_ID, number.to_bytes((number.bit_length() + 7) // 8, "big")),
                    (_SEEK_POSITION, position.to_bytes(8, "big")),
                ]
            ),
        )
        for number, position in entries.items()
    ]
    return ebml.element(_SEEK_HEAD, ebml.join(content), wide=True)


def _parts(file: BinaryIO, size: int) -> list[ebml.Place]:
    """Return the parts of the first segment, up to one without a stated size."""
    segment = next((place for place in ebml.places(file, 0, size) if place.id == _SEGMENT), None)
    found: list[ebml.Place] = []
    for place in ebml.places(file, segment.content, segment.end) if segment else ():
        if place.open:
            break
        found.append(place)
    return found


def _content(file: BinaryIO, place: ebml.Place) -> bytes:
    file.seek(place.content)
    return file.read(place.end - place.content)
