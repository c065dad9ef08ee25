"""What a source lacks: whether it was cut off, and which packets are damaged."""

from __future__ import annotations

import shlex
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.errors import MediaError
from dubkit.media.files.container import PacketTrack, codec_name
from dubkit.media.files.extent import Extent
from dubkit.media.files.jumps import several_films
from dubkit.types import Remark, remark

if TYPE_CHECKING:
    from av.container import InputContainer

_SHORT_BY = Fraction(1, 2)
"""Seconds that may be missing against the header before the source counts as cut off."""
_STATED = ("matroska", "flv")
"""Formats that state one length for the whole film."""
_KINDS = {"video": "picture", "audio": "sound"}


def check_parts(path: Path, container: str, ends: Extent) -> None:
    """Refuse a file that holds further films behind the first: players, and dubs, would end before them."""
    if ends.parts:
        raise several_films(path, container, ends.parts)


def check_stamps(path: Path, container: InputContainer, tracks: dict[int, PacketTrack]) -> None:
    """Refuse a Matroska file whose packets have no times, as some before its zero do: none can be written."""
    if "matroska" not in container.format.name:
        return
    count = sum(track.unstamped for track in tracks.values())
    if count:
        source, result = shlex.quote(str(path)), shlex.quote(f"{path.stem}.mended.mkv")
        cure = f"Write them anew and dub the result:\n  mkvmerge -o {result} {source}"
        raise MediaError(path, f"{count} of its packets have no time stamps", cure)


def damage(
    path: Path, container: InputContainer, tracks: dict[int, PacketTrack], ends: Extent
) -> list[Remark]:
    """Return remarks on a file that was cut off, on empty streams and on damaged packets."""
    found: list[Remark] = []
    for stream in container.streams:
        track = tracks.get(stream.index)
        if track is None:
            continue
        kind = _KINDS[stream.type]
        if not track.keys or track.start is None or track.end is None:
            text = f"The {kind} stream {stream.index} holds nothing and is ignored."
            found.append(remark("stream-empty", text, f"stream {stream.index}"))
            continue
        claimed, there = _claimed(container, stream), track.end - track.start
        if claimed - there > _SHORT_BY:
            found.append(
                _cut_off(f"its header promises {float(claimed):.2f} s of {kind}, but the data ends", there)
            )
        # Raw sound has no packets of its own: a short last read is no damage.
        if track.damaged and not codec_name(stream).startswith("pcm"):
            text = f"The {kind} has {track.damaged} damaged packet(s)."
            found.append(remark("source-damaged", text, f"stream {stream.index}"))
    if not any(said.code == "source-cut-off" for said in found):
        found += _ending(container, tracks, ends, path.stat().st_size)
    return found


def _claimed(container: InputContainer, stream: Any) -> Fraction:
    """Return the seconds that the header promises of a stream; 0 where it promises none."""
    if "avi" in container.format.name and stream.type == "video":
        # The length of a stream without an index is what FFmpeg found, not what the header says.
        return Fraction(stream.frames / Fraction(stream.average_rate or 25))
    if stream.duration and stream.time_base:
        return Fraction(stream.duration * Fraction(stream.time_base))
    return Fraction(0)


def _ending(
    container: InputContainer, tracks: dict[int, PacketTrack], ends: Extent, size: int
) -> list[Remark]:
    """Return the remark on a file whose end is not where, or not what, it should be."""
    whole = [t for t in tracks.values() if t.start is not None and t.end is not None]
    first = min((t.start for t in whole if t.start is not None), default=Fraction(0))
    there = max((t.end for t in whole if t.end is not None), default=first) - first
    stated = Fraction(container.duration or 0, 1_000_000)
    named = any(name in container.format.name for name in _STATED)
    if named and (ends.promised or ends.broken) and stated - there > _SHORT_BY:
        return [_cut_off(f"its header promises {float(stated):.2f} s, but the data ends", there)]
    if ends.promised:
        return [
            _cut_off(
                f"its header promises {ends.promised:,} bytes, but {size:,} are there, and it ends", there
            )
        ]
    if ends.broken:
        return [_cut_off(ends.broken, there)]
    sounds = {s.index for s in container.streams if codec_name(s).startswith("pcm")}
    if any(track.cut for track in whole if track.index not in sounds):
        return [_cut_off("it ends in the middle of a packet", there)]
    return []


def _cut_off(why: str, seconds: Fraction) -> Remark:
    text = f"The file is cut off: {why} after {float(seconds):.2f} s. The dub covers what is there."
    return remark("source-cut-off", text, f"{float(seconds):.2f} s")
