"""Faces that speak: for each stretch of speech, whose mouth moves, how much, and where."""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.media.picture.face_finders import Finder, Seen, open_finder
from dubkit.media.picture.frames import frame_times
from dubkit.media.picture.window import chosen_frames, shown_size, turned
from dubkit.types import Episode, FaceBox, Faces, Segment, SpeakingFace, VideoStream

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Image = NDArray[np.uint8]

log = logging.getLogger(__name__)

LOOKS_PER_SECOND = 10.0
"""How often a stretch of speech is looked at."""
MOST_LOOKS = 120
"""Looks at one segment; a longer one is looked at less often."""

_LONGEST_SIDE = 1920
"""Pixels along the longer side of the pictures that are looked at; larger ones are scaled down."""
_SMALLEST = 20.0
"""Height in looked-at pixels below which a face says nothing about its mouth."""
_SAME_FACE = 0.15
"""Shared over covered area from which faces of successive looks are one: a nodding head stays above it."""
_MISSED = 3
"""Looks that a face may be missed, behind a hand or in profile, before it counts as another one."""


@dataclass(slots=True)
class _Track:
    """One face through the looks of a segment."""

    looks: list[int]
    """Numbers of the looks, in order."""
    faces: list[Seen]


def find_faces(
    path: Path,
    episode: Episode,
    segments: Sequence[Segment],
    advance: Callable[[float], None] | None = None,
) -> Faces:
    """Return the speaking face of every segment, in the order given.

    The method is `none`, with no faces, where there is no picture or nothing that can find faces. The picture
    is decoded once, from the key frame before each stretch of speech on.

    Args:
        advance: told the share of looks done, 0 to 1.
    """
    finder = open_finder() if episode.video is not None else None
    if episode.video is None or finder is None:
        return Faces("none", ())
    times = [float(time) for time in frame_times(path, episode.video.index)]
    looks = [_looks(segment, times) for segment in segments]
    numbers = sorted({number for wanted in looks for number in wanted})
    seen: dict[int, list[Seen]] = {}
    for number, image in pictures(path, episode.video, numbers):
        seen[number] = [face for face in finder.find(image) if face.height >= _SMALLEST]
        if advance:
            advance(bisect_right(numbers, number) / len(numbers))
    scale = 1 / shrinking(episode.video)
    faces = tuple(
        _speaker(segment.id, wanted, seen, finder, scale)
        for segment, wanted in zip(segments, looks, strict=True)
    )
    hits = sum(map(bool, seen.values()))
    log.debug("%s: faces in %d of %d looks (%s)", path.name, hits, len(seen), finder.method)
    return Faces(finder.method, faces)


def pictures(path: Path, video: VideoStream, numbers: Sequence[int]) -> Iterator[tuple[int, Image]]:
    """Decode chosen frames in order, as (frame number, upright BGR picture of shape (H, W, 3)).

    Stretches between chosen frames that hold a key frame are not decoded. A frame that cannot be decoded is
    left out. Larger pictures come at 1920 pixels along their longer side.

    Args:
        numbers: frame numbers as `frame_times` counts them, ascending.
    """
    for number, frame in chosen_frames(path, video, numbers):
        yield number, _upright(frame, video)


def _looks(segment: Segment, times: Sequence[float]) -> list[int]:
    """Return the frames on screen at evenly spaced moments of a segment."""
    if not times or segment.end <= segment.start or segment.end < times[0]:
        return []
    length = segment.end - segment.start
    count = min(MOST_LOOKS, max(3, round(length * LOOKS_PER_SECOND)))
    moments = (segment.start + (look + 0.5) * length / count for look in range(count))
    return sorted({max(bisect_right(times, moment) - 1, 0) for moment in moments})


def shrinking(video: VideoStream) -> float:
    """Return how many looked-at pixels stand for one of the picture as shown, at most 1."""
    return min(1.0, _LONGEST_SIDE / max(shown_size(video)))


def _upright(frame: Any, video: VideoStream) -> Image:
    """Return a frame as it is shown, at most 1920 pixels along its longer side."""

    scale = shrinking(video)
    width = max(1, round(video.width * video.sample_aspect))
    image = frame.to_ndarray(
        format="bgr24",
        width=max(2, round(width * scale)),
        height=max(2, round(video.height * scale)),
        interpolation="AREA",
    )
    return turned(image, video)


def _speaker(
    segment: str, looks: Sequence[int], seen: Mapping[int, Sequence[Seen]], finder: Finder, scale: float
) -> SpeakingFace:
    """Choose who speaks, and measure the mouth.

    The choice is the face that moves its mouth most, is seen longest and is largest; another that is there
    only before or after it, in another shot, joins in when its mouth moves at least half as much.
    """
    decoded = [number for number in looks if number in seen]
    tracks = _tracks([seen[number] for number in decoded])
    if not tracks:
        return SpeakingFace(segment, 0.0, 0.0)
    moves = {id(track): finder.movement(track.faces) for track in tracks}
    tallest = max(_height(track) for track in tracks)

    def weight(track: _Track) -> float:
        return (moves[id(track)] + 0.005) * len(track.looks) * _height(track) / tallest

    chosen: list[_Track] = []
    for track in sorted(tracks, key=weight, reverse=True):
        apart = all(track.looks[0] > other.looks[-1] or track.looks[-1] < other.looks[0] for other in chosen)
        if not chosen or (apart and moves[id(track)] >= moves[id(chosen[0])] / 2):
            chosen.append(track)
    looked = sorted(
        ((look, face) for track in chosen for look, face in zip(track.looks, track.faces, strict=True)),
        key=lambda one: one[0],
    )
    mouth = sum(moves[id(track)] * len(track.looks) for track in chosen) / len(looked)
    boxes = tuple(_box(decoded[look], face, scale) for look, face in looked)
    return SpeakingFace(segment, round(len(looked) / len(decoded), 3), round(mouth, 4), boxes)


def _tracks(looks: Sequence[Sequence[Seen]]) -> list[_Track]:
    """Join the faces of successive looks that overlap most into tracks."""
    tracks: list[_Track] = []
    for look, faces in enumerate(looks):
        live = [track for track in tracks if look - track.looks[-1] <= _MISSED + 1]
        pairs = sorted(
            (-face.overlap(track.faces[-1]), t, f)
            for t, track in enumerate(live)
            for f, face in enumerate(faces)
        )
        taken_tracks: set[int] = set()
        taken_faces: set[int] = set()
        for overlap, t, f in pairs:
            if -overlap < _SAME_FACE or t in taken_tracks or f in taken_faces:
                continue
            taken_tracks.add(t)
            taken_faces.add(f)
            live[t].looks.append(look)
            live[t].faces.append(faces[f])
        tracks += [_Track([look], [face]) for f, face in enumerate(faces) if f not in taken_faces]
    return tracks


def _height(track: _Track) -> float:
    return sum(face.height for face in track.faces) / len(track.faces)


def _box(frame: int, face: Seen, scale: float) -> FaceBox:
    edges = (round(value * scale) for value in (face.left, face.top, face.width, face.height))
    return FaceBox(frame, *edges)
