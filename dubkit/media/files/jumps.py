"""Clocks that start anew: in recordings joined byte by byte, each part counts its times from the start."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from dubkit.errors import MediaError
from dubkit.media.files.extent import PACKETS, extent, fragmented_parts, is_table
from dubkit.types import Remark, remark

TRANSPORT = frozenset(("mpegts", "mpeg"))
"""Formats whose clock may be set anew in the middle; ffmpeg can join their parts."""

_BACK = Fraction(1, 2)
_BACK_TRANSPORT = Fraction(1, 10)
"""Seconds that times may go back, in order of storage: decoding times of healthy files never do. Other
containers leave decoding times out, and those that FFmpeg works out may be wrong by a few frames."""
_FORWARD = 10
"""Seconds that a stream may skip before it is a new clock, where clocks may be set anew."""
_SHORTEST_GAP = 2

_MAGIC = {
    "matroska": b"\x1aE\xdf\xa3",
    "ogg": b"OggS\x00\x02",
    "flac": b"fLaC",
    "flv": b"FLV\x01",
    "mpeg": b"\0\0\1\xba",
}
"""Bytes that a file of each format begins with."""
_LONGEST_MAGIC = 6
_APART = 1 << 14
"""Bytes between the beginnings of two parts, at least."""
_SYSTEM_HEADER = b"\0\0\1\xbb"
_NEAR = 4096
_CHAINS = ("ogg", "flac")
_WINDOW = 4 << 20


@dataclass(frozen=True, slots=True)
class Jump:
    """A step in the times of a stream, in seconds of the container's clock."""

    before: Fraction
    after: Fraction
    position: int | None = None
    """Byte of the file where the packet behind the jump lies."""
    alone: bool = False
    """No other stream has come as far yet: the clock runs on where the film does not."""


@dataclass(slots=True)
class Steps:
    """Watches the decoding times of one stream, in order of storage."""

    back: list[Jump] = field(default_factory=list)
    """Steps backwards that no healthy file has."""
    gaps: list[Jump] = field(default_factory=list)
    """Stretches without a packet."""
    _last: Fraction | None = None

    def take(self, at: Fraction, duration: Fraction, position: int | None, rule: Rule) -> None:
        """Look at the decoding time of the next packet, which lasts `duration`."""
        last, self._last = self._last, at + duration
        if last is None:
            return
        if last - duration - at > rule.tolerance:
            self.back.append(Jump(last, at, position))
        elif at - last > _SHORTEST_GAP:
            near = (steps._last for steps in rule.streams if steps is not self)
            alone = all(other is None or at - other > _SHORTEST_GAP for other in near)
            self.gaps.append(Jump(last, at, position, alone))


@dataclass(frozen=True, slots=True)
class Rule:
    """What the steps of a file's streams are judged by."""

    tolerance: Fraction
    """Seconds that times may go back without meaning anything."""
    streams: tuple[Steps, ...]


def rule_for(container: str, streams: Iterable[Steps]) -> Rule:
    return Rule(_BACK_TRANSPORT if container in TRANSPORT else _BACK, tuple(streams))


def check_clock(path: Path, container: str, tracks: Iterable[Steps], zero: Fraction) -> list[Remark]:
    """Refuse a file whose clock starts anew; remark on stretches that hold neither picture nor sound.

    Raises `MediaError` that names the jump and the command that mends it.
    """
    watched = list(tracks)
    jumps = [jump for steps in watched for jump in steps.back]
    gaps = _common([steps.gaps for steps in watched])
    if container in TRANSPORT:
        steps_on = (gap for steps in watched for gap in steps.gaps if gap.alone)
        jumps += [gap for gap in steps_on if gap.after - gap.before > _FORWARD]
    if jumps:
        raise _refusal(path, container, sorted(jumps, key=_place), zero)
    return [
        remark(
            "source-gap",
            f"From {float(gap.before - zero):.2f} s to {float(gap.after - zero):.2f} s the file holds "
            "neither picture nor sound; the dub keeps the last frame and silence there.",
            f"{float(gap.before - zero):.2f} s",
        )
        for gap in gaps
    ]


def _common(gaps: list[list[Jump]]) -> list[Jump]:
    """Return the stretches that are empty in every stream."""
    common = gaps[0] if gaps else []
    for others in gaps[1:]:
        common = [
            Jump(max(one.before, other.before), min(one.after, other.after), one.position)
            for one in common
            for other in others
            if min(one.after, other.after) - max(one.before, other.before) > _SHORTEST_GAP
        ]
    return common


def _place(jump: Jump) -> tuple[bool, int, Fraction]:
    return jump.position is None, jump.position or 0, jump.before


def _refusal(path: Path, container: str, jumps: list[Jump], zero: Fraction) -> MediaError:
    jump = jumps[0]
    way = "back" if jump.after < jump.before else "on"
    problem = (
        f"its clock starts anew {float(jump.before - zero):.2f} s into the film (it jumps {way} from "
        f"{float(jump.before):.2f} s to {float(jump.after):.2f} s), as in recordings joined byte by byte"
    )
    mp4 = "mp4" in container.split(",")
    stated = list(extent(path, container).parts)
    found = fragmented_parts(path) if mp4 else _beginnings(path, container, jumps)
    parts = sorted([*stated, *(at for at in found if all(abs(part - at) > _APART for part in stated))])
    if not parts:
        return MediaError(path, problem, "Join its parts with a program that writes their times anew.")
    return MediaError(path, problem, _rejoin(path, container, parts))


def several_films(path: Path, container: str, parts: Sequence[int]) -> MediaError:
    """Return the refusal of a file in which further films begin at the bytes `parts`."""
    places = ", ".join(f"{part:,}" for part in parts)
    count = len(parts) + 1
    problem = f"it holds {count} films one behind the other (the next begins at byte {places})"
    return MediaError(path, problem, _rejoin(path, container, parts))


def _rejoin(path: Path, container: str, parts: Sequence[int]) -> str:
    """Say how to cut a file before the bytes `parts` and to join what comes out on one clock."""
    source, end = shlex.quote(str(path)), path.suffix
    ends = [*parts, path.stat().st_size]
    cuts = [
        f"  tail -c +{start + 1} {source} | head -c {stop - start} > part{number}{end}"
        for number, (start, stop) in enumerate(zip([0, *parts], ends, strict=True), start=1)
    ]
    # Chained files are what Ogg and FLAC make of several again; data of discs fits nowhere.
    result = shlex.quote(f"{path.stem}.mended{'.mkv' if container in _CHAINS else end}")
    streams = "-map 0:v -map '0:a?'" if container in TRANSPORT else "-map 0"
    names = " ".join(f"part{number}{end}" for number in range(1, len(ends) + 1))
    return "\n".join(
        (
            "Cut it there, join the parts on one clock, and dub the result:",
            *cuts,
            f"  printf \"file '%s'\\n\" {names} > parts.txt",
            f"  ffmpeg -fflags +genpts -f concat -i parts.txt {streams} -c copy {result}",
        )
    )


def _beginnings(path: Path, container: str, jumps: Sequence[Jump]) -> list[int]:
    """Return the bytes where the parts behind the jumps begin; nothing where that cannot be told."""
    parts: list[int] = []
    with path.open("rb") as stream:
        for jump in jumps:
            first = max(0, (jump.position or 0) - _WINDOW)
            stream.seek(first)
            before = stream.read((jump.position or 0) - first + _LONGEST_MAGIC)
            at = first + _head(before, container)
            # The streams of a part jump one after the other.
            if at > first and all(abs(at - part) > _APART for part in parts):
                parts.append(at)
    return parts


def _head(before: bytes, container: str) -> int:
    """Return where the last head of a file begins in the bytes before a jump; -1 for none."""
    if container == "mpegts":
        return _tables(before[:-_LONGEST_MAGIC])
    magic = next((magic for name, magic in _MAGIC.items() if name in container.split(",")), b"")
    found = before.rfind(magic) if magic else -1
    if container == "mpeg":
        # A program begins with a pack that describes it, which may hold nothing else.
        system = before.rfind(_SYSTEM_HEADER, max(0, found - _NEAR))
        return before.rfind(magic, 0, system) if system >= 0 else found
    return found


def _tables(content: bytes) -> int:
    """Return where the tables begin that stand last in some packets of a transport stream.

    A recording begins with them. Without tables it is the end of the packets.
    """
    at = len(content)
    for size, lead in PACKETS:
        if at >= 3 * size and all(
            content[at - n * size + lead : at - n * size + lead + 1] == b"G" for n in (1, 2, 3)
        ):
            while at >= size and is_table(content[at - size + lead : at]):
                at -= size
            break
    return at
