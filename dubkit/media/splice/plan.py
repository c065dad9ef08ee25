"""Where a picture stream can be cut and joined again, and which frames must be coded anew.

A coded span begins at any packet before which decoding order and showing order hold the same frames, and
ends where decoding can start: at an IDR picture, or in HEVC at any random access picture, whose leading
frames (they refer across the boundary) then belong to the span. Everything else is copied, but for the
type of such a picture: it must say that nothing before it is needed (see `broken_link`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from dubkit.errors import MediaError
from dubkit.media.files.container import codec_name, open_media, packets_of
from dubkit.media.files.units import header_units, is_parameter_set, split_units, unit_size, unit_type

_ENTRIES = {"h264": {5}, "hevc": {16, 17, 18, 19, 20, 21}}
_INTERLACED = {2, 3, 4, 5}


class NotSpliceable(Exception):
    """The stream cannot hold two encoders' pictures; the text says why, for the report."""


class TimesContradict(NotSpliceable):
    """Time stamps order the frames otherwise than decoding does; decoding is right."""


@dataclass(frozen=True, slots=True)
class Coded:
    """One packet of the picture. Times are in ticks of the stream's time base."""

    pts: int
    dts: int | None
    duration: int
    entry: bool
    """True when everything shown after it can be decoded from here."""


@dataclass(slots=True)
class Survey:
    """What the packets of a picture stream say, in storage order."""

    codec: str
    time_base: Fraction
    extradata: bytes
    matroska: bool = False
    coded: list[Coded] = field(default_factory=list)
    hidden: set[int] = field(default_factory=set)
    """Storage numbers of packets that an edit list keeps from being shown."""
    sets: list[bytes] = field(default_factory=list)
    """Parameter sets of header and packets."""
    stamps: list[int] = field(default_factory=list)
    """Times of the shown frames in showing order."""

    @property
    def unit_size(self) -> int:
        return unit_size(self.extradata, self.codec)


@dataclass(frozen=True, slots=True)
class CodedSpan:
    """Frames that are coded anew, as ranks (numbers in showing order with hidden frames), and their source.

    Packets `decode_from` to `decode_until` (storage numbers) hold everything needed to decode them.
    """

    first: int
    last: int
    decode_from: int
    decode_until: int
    resume: int
    """Storage number of the packet where copying resumes; behind the last one at the film's end."""


def survey(path: Path, index: int) -> Survey:
    """Read every packet of stream `index` without decoding."""
    import av

    with open_media(path) as container:
        stream = container.streams[index]
        found = Survey(
            codec=codec_name(stream),
            time_base=Fraction(stream.time_base or Fraction(1, 90_000)),
            extradata=bytes(stream.codec_context.extradata or b""),
            matroska="matroska" in container.format.name,
        )
        found.sets = _header_sets(found)
        previous = None
        try:
            for packet in packets_of(container, stream):
                if not packet.size:
                    continue
                stamp = stamp_of(packet, previous)
                previous = (stamp, packet.duration or 1)
                if packet.is_discard:
                    found.hidden.add(len(found.coded))
                else:
                    found.stamps.append(stamp)
                found.coded.append(Coded(stamp, packet.dts, packet.duration or 0, _is_entry(packet, found)))
        except (av.error.FFmpegError, OSError):
            pass  # probing has warned the user; the film ends where reading breaks off
    found.stamps.sort()
    return found


def stamp_of(packet: Any, previous: tuple[int, int] | None) -> int:
    """Presentation time of a packet; one that has none follows the `previous` (time, duration)."""
    for stamp in (packet.pts, packet.dts):
        if stamp is not None:
            return int(stamp)
    return sum(previous) if previous else 0


def _header_sets(found: Survey) -> list[bytes]:
    if found.codec not in _ENTRIES or not found.extradata:
        return []
    try:
        return header_units(found.extradata, found.codec)
    except IndexError:
        return []


def _is_entry(packet: Any, found: Survey) -> bool:
    if not packet.is_keyframe or found.codec not in _ENTRIES:
        return False
    units = split_units(bytes(packet), found.unit_size)
    for unit in units:
        if is_parameter_set(unit, found.codec) and unit not in found.sets:
            found.sets.append(unit)
    return any(unit_type(unit, found.codec) in _ENTRIES[found.codec] for unit in units)


def check_spliceable(found: Survey, context: Any) -> None:
    """Raise `NotSpliceable` for streams whose pictures can only be replaced by coding all of them."""
    if found.codec not in _ENTRIES:
        raise NotSpliceable(f"{found.codec} pictures of two encoders do not fit into one stream")
    if context.field_order in _INTERLACED:
        raise NotSpliceable("the picture is interlaced")
    if not found.sets:
        raise NotSpliceable("the stream's header names no parameter sets")
    if len({packet.pts for packet in found.coded}) < len(found.coded):
        raise NotSpliceable("two frames share a time stamp")
    hidden = [packet.pts for number, packet in enumerate(found.coded) if number in found.hidden]
    if hidden and max(hidden) > found.stamps[0]:
        raise NotSpliceable("an edit list hides frames in the middle")


def plan_spans(found: Survey, replaced: Sequence[tuple[int, int]]) -> list[CodedSpan]:
    """Smallest spans that hold the `replaced` frames, in order and disjoint."""
    ranks = ranks_of(found.coded)
    clean = _clean_cuts(ranks)
    entries = [n for n, packet in enumerate(found.coded) if packet.entry and clean[n]]
    hidden = len(found.hidden)
    spans: list[CodedSpan] = []
    start = 0
    for first, last in replaced:
        if spans and last + hidden <= spans[-1].last:
            continue
        for number in range(start, first + hidden + 1):
            if clean[number]:
                start = number
        resume = next((n for n in entries if n > start and ranks[n] >= last + hidden), len(ranks))
        end = ranks[resume] if resume < len(ranks) else len(ranks)
        # The leading frames of the picture where copying resumes are stored behind it.
        until = resume if end == resume else end + 1
        origin = max((n for n in entries if n <= start and ranks[n] <= start), default=0)
        span = CodedSpan(start, end, origin, until, resume)
        if spans and span.first < spans[-1].last:
            before = spans.pop()
            span = CodedSpan(before.first, end, before.decode_from, until, resume)
        spans.append(span)
    return spans


def ranks_of(coded: list[Coded]) -> list[int]:
    """Place of each packet in showing order."""
    order = sorted(range(len(coded)), key=lambda number: coded[number].pts)
    ranks = [0] * len(coded)
    for rank, number in enumerate(order):
        ranks[number] = rank
    return ranks


def _clean_cuts(ranks: list[int]) -> list[bool]:
    """Tell for each packet whether all packets before it are shown before all others."""
    clean, highest = [], -1
    for number, rank in enumerate(ranks):
        clean.append(highest < number)
        highest = max(highest, rank)
    return clean


def storage_order(found: Survey, spans: Sequence[CodedSpan]) -> list[int | CodedSpan]:
    """New storage order: copied packets by their old numbers, spans in place of the removed ones."""
    ranks = ranks_of(found.coded)
    order: list[int | CodedSpan] = []
    waiting = list(spans)
    for number, rank in enumerate(ranks):
        if waiting and number == waiting[0].first:
            order.append(waiting.pop(0))
        if not any(span.first <= rank < span.last for span in _near(spans, rank)):
            order.append(number)
    return order


def _near(spans: Sequence[CodedSpan], rank: int) -> Sequence[CodedSpan]:
    from bisect import bisect_right

    at = bisect_right(spans, rank, key=lambda span: span.first)
    return spans[max(0, at - 1) : at]


def decoding_times(found: Survey, shown: Sequence[int]) -> list[int]:
    """Decoding times for packets that show at `shown`, in their new storage order, strictly rising.

    The source's own decoding times serve as slots: a packet that keeps its place keeps its time, and
    a new one, stored in showing order, never decodes after it shows.
    """
    slots = sorted(packet.dts for packet in found.coded if packet.dts is not None)[-len(shown) :]
    usable = len(slots) == len(shown) and len(set(slots)) == len(slots)
    if usable and all(slot <= stamp for slot, stamp in zip(slots, shown, strict=True)):
        return slots
    ordered = sorted(shown)
    place = {stamp: number for number, stamp in enumerate(ordered)}
    delay = max(number - place[stamp] for number, stamp in enumerate(shown))
    # Before the first frame the times go on backwards at its pace: seeking relies on an even delay.
    step = ordered[1] - ordered[0] if delay else 0
    early = [ordered[0] - step * (delay - number) for number in range(delay)]
    return (early + ordered)[: len(ordered)]


def check_replaced(path: Path, replaced: Sequence[tuple[int, int]], frames: int) -> None:
    """Refuse ranges that are not sorted, disjoint and inside the film; raises `ValueError`."""
    before = 0
    for first, last in replaced:
        if not before <= first < last:
            raise ValueError(f"replaced frames {first} to {last} are empty or out of order")
        before = last
    if before > frames:
        problem = f"frames up to {before} are to be replaced, but its picture can be read for {frames} only"
        raise MediaError(path, problem, "Probe the file again: it has changed or is damaged.")
