"""A dub on tracks: the source's picture, and the takes of each speaker at their times."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from dubkit.types.remarks import Remark, remark

SHORT = re.compile(r"[^A-Z0-9_]")


@dataclass(frozen=True, slots=True)
class TimelineClip:
    """A piece of a file on a track. Times are exact seconds from the first frame of the picture."""

    name: str
    file: Path
    """The file itself."""
    link: str
    """How the timeline names it: its way from the folder that the timeline stands in."""
    start: Fraction
    length: Fraction
    rate: Fraction
    """What its length is counted in: frames or samples a second."""
    source_start: Fraction = Fraction(0)
    """Seconds of the file before it."""
    text: str = ""
    """What it says."""
    reel: str = ""
    """A short name, for formats that need one."""

    @property
    def end(self) -> Fraction:
        """Where it ends."""
        return self.start + self.length


@dataclass(frozen=True, slots=True)
class TimelineTrack:
    """Clips that do not overlap, in order of time."""

    name: str
    clips: tuple[TimelineClip, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """One track of picture and any number of sound."""

    rate: Fraction
    """Frames a second."""
    length: Fraction
    picture: TimelineTrack
    """Without a clip where the episode has no picture."""
    sounds: tuple[TimelineTrack, ...]


def lanes(clips: Sequence[TimelineClip]) -> list[tuple[TimelineClip, ...]]:
    """Return clips on as few tracks as they need so that none overlaps another."""
    found: list[list[TimelineClip]] = []
    for clip in sorted(clips, key=lambda clip: (clip.start, clip.name)):
        free = next((lane for lane in found if lane[-1].end <= clip.start), None)
        if free is None:
            found.append([clip])
        else:
            free.append(clip)
    return [tuple(lane) for lane in found]


def parts(timeline: Timeline, tracks: int) -> list[Timeline]:
    """Return a timeline in as many as it needs to have no more sound tracks than `tracks` each; 0: any."""
    if not tracks or len(timeline.sounds) <= tracks:
        return [timeline]
    starts = range(0, len(timeline.sounds), tracks)
    return [replace(timeline, sounds=timeline.sounds[at : at + tracks]) for at in starts]


def with_reels(timeline: Timeline, length: int) -> tuple[Timeline, list[Remark]]:
    """Give every file a short name of its own, and return remarks on those that lost letters."""
    reels: dict[Path, str] = {}
    said: list[Remark] = []

    def named(track: TimelineTrack) -> TimelineTrack:
        clips = []
        for clip in track.clips:
            if clip.file not in reels:
                reel = reels[clip.file] = _reel(clip.name, length, set(reels.values()))
                if reel != clip.name.upper():
                    sentence = f"{clip.name} is called {reel} there: a name has {length} letters at most."
                    said.append(remark("timeline-name-cut", sentence, clip.name))
            clips.append(replace(clip, reel=reels[clip.file]))
        return replace(track, clips=tuple(clips))

    sounds = tuple(named(track) for track in timeline.sounds)
    # Lines keep their names where the picture's would be the same.
    return replace(timeline, picture=named(timeline.picture), sounds=sounds), said


def _reel(name: str, length: int, taken: set[str]) -> str:
    """Return a name of capital letters, digits and underscores that is not taken.

    >>> _reel("My long film", 8, set()), _reel("my-long one", 8, {"MY_LONG_"})
    ('MY_LONG_', 'MY_LONG2')
    """
    plain = SHORT.sub("_", name.upper())[:length] or "CLIP"
    number, found = 2, plain
    while found in taken:
        found = f"{plain[: length - len(str(number))]}{number}"
        number += 1
    return found
