"""Look at the pictures of a dub beside those of its source: both files are decoded once, in step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.qc.pictures.looks import LinePictures
from dubkit.types import FaceBox, VideoStream

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dubkit.media.picture.text_finder import TextFinder
    from dubkit.qc.pictures.faces import FaceLooks, FindsMeshes

    Image = NDArray[np.uint8]

READ_AT = (0.2, 0.5, 0.8)
"""Shares of a stretch at which its picture is searched for letters."""


@dataclass(frozen=True, slots=True)
class FilmPicture:
    """A file whose picture is looked at."""

    path: Path
    video: VideoStream


@dataclass(frozen=True, slots=True)
class LineSight:
    """What of a line is to be looked at. Frames are the source's."""

    id: str
    boxes: tuple[FaceBox, ...]
    """The face that speaks, in order; empty where none was found."""
    spans: tuple[tuple[int, int], ...]
    """Stretches (first frame, one past the last) in which the dub has other pictures."""

    def borders(self) -> tuple[tuple[int, int], ...]:
        """Return the frames on both sides of each border, the one within the stretch first."""
        return tuple(pair for first, end in self.spans for pair in ((first, first - 1), (end - 1, end)))

    def read_at(self) -> set[int]:
        """Return the frames that are searched for letters."""
        return {first + round(share * (end - first - 1)) for first, end in self.spans for share in READ_AT}


@dataclass(frozen=True, slots=True)
class LineSeen:
    """What was seen of a line."""

    pictures: LinePictures
    letters: float | None


@dataclass(frozen=True, slots=True)
class Eyes:
    """What looks: faces are left out without a finder of meshes, letters without one of writing."""

    faces: FindsMeshes | None
    letters: TextFinder | None


@dataclass
class _Watched:
    """A line while it is looked at."""

    sight: LineSight
    faces: FaceLooks | None
    boxes: Mapping[int, FaceBox]
    reads: set[int]
    letters: list[float] = field(default_factory=list)
    cells: dict[int, tuple[NDArray[np.float32], NDArray[np.float32]]] = field(default_factory=dict)


def seen_lines(
    source: FilmPicture,
    dub: FilmPicture,
    lines: Sequence[LineSight],
    eyes: Eyes,
    times: Sequence[float],
    of: Sequence[int],
) -> dict[str, LineSeen]:
    """Return what was seen of each line.

    Args:
        times: seconds on the episode clock of every frame of the source.
        of: the dub's frame for every frame of the source, rising; one that the dub lacks is below 0.
    """
    from dubkit.media.picture.faces import shrinking
    from dubkit.qc.pictures.faces import FaceLooks

    watched = [
        _Watched(
            line,
            FaceLooks(eyes.faces) if eyes.faces else None,
            {b.frame: b for b in line.boxes},
            line.read_at(),
        )
        for line in lines
    ]
    at: dict[int, list[_Watched]] = {}
    for one in watched:
        borders = {frame for pair in one.sight.borders() for frame in pair}
        for frame in {*one.boxes, *one.reads, *borders}:
            if 0 <= frame < len(of) and of[frame] >= 0:
                at.setdefault(frame, []).append(one)
    scale = shrinking(source.video)
    for frame, ours, theirs in _pairs(source, dub, sorted(at), of):
        for one in at[frame]:
            _look(one, frame, ours, theirs, (times[frame], scale, eyes))
    return {one.sight.id: _sight(one, eyes) for one in watched}


def _pairs(
    source: FilmPicture, dub: FilmPicture, frames: Sequence[int], of: Sequence[int]
) -> Iterator[tuple[int, Image, Image]]:
    """Decode the same moments of both films; the dub's picture comes at the size of the source's."""
    import cv2
    import numpy as np

    from dubkit.media.picture.faces import pictures

    wanted = sorted({of[frame] for frame in frames})
    theirs = pictures(dub.path, dub.video, wanted)
    number, picture = -1, None
    for frame, ours in pictures(source.path, source.video, frames):
        while number < of[frame]:
            number, picture = next(theirs, (len(of) + of[frame], None))
        if number != of[frame] or picture is None:
            continue
        if picture.shape != ours.shape:
            size = (ours.shape[1], ours.shape[0])
            yield frame, ours, np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        else:
            yield frame, ours, picture


def _look(one: _Watched, frame: int, source: Image, dub: Image, how: tuple[float, float, Eyes]) -> None:
    from dubkit.qc.pictures.faces import FacePlace
    from dubkit.qc.pictures.letters import appeared, is_writing
    from dubkit.qc.pictures.seams import cells

    time, scale, eyes = how
    box = one.boxes.get(frame)
    if one.faces is not None and box is not None:
        edges = (edge * scale for edge in (box.left, box.top, box.width, box.height))
        one.faces.add(FacePlace(time, *edges), source, dub)
    if eyes.letters is not None and frame in one.reads:
        found = eyes.letters.find(dub)
        if any(is_writing(piece, dub.shape) for piece in found):
            one.letters.append(appeared(eyes.letters.find(source), found, dub.shape))
    if any(frame in pair for pair in one.sight.borders()):
        one.cells[frame] = cells(source), cells(dub)


def _sight(one: _Watched, eyes: Eyes) -> LineSeen:
    from dubkit.qc.pictures.seams import seam

    seams = [
        seam(one.cells[within], one.cells[beyond])
        for within, beyond in one.sight.borders()
        if within in one.cells and beyond in one.cells
    ]
    looks = tuple(one.faces.looks) if one.faces else ()
    # What looks like writing at one moment only is a hand or a face on its way.
    twice = sorted(one.letters)[-2] if len(one.letters) > 1 else 0.0
    letters = round(twice, 4) if eyes.letters and one.reads else None
    return LineSeen(LinePictures(looks, seam=max(seams, default=None)), letters)
