"""Compare the face that speaks in a dub's picture with the same face of the source, moment by moment.

Faces are laid so that eyes and nose stand at one place, whatever way a head is held; what is compared is the
upper part, because a dub is to have another mouth. Pictures are (H, W, 3) BGR.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from dubkit.qc.pictures.looks import FaceLook

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Image = NDArray[np.uint8]
    Array = NDArray[np.float32]

SIDE = 96
"""Pixels of a face that is laid."""
_PLACES = ((0.19, 0.30), (0.38, 0.31), (0.62, 0.31), (0.81, 0.30), (0.5, 0.58))
"""Where the corners of the eyes and the base of the nose are laid, as shares of the side."""
_POINTS = (33, 133, 362, 263, 2)
"""The same points in the mesh."""
_UPPER = (slice(int(0.12 * SIDE), int(0.60 * SIDE)), slice(int(0.12 * SIDE), int(0.88 * SIDE)))
"""Rows and columns of eyes, brows and nose."""
_SHAPE = (33, 133, 362, 263, 2, 4, 6, 168, 70, 105, 107, 300, 334, 336, 98, 327, 10, 127, 356)
"""Points of the mesh that do not move with the mouth: eyes, nose, brows, forehead, temples."""
_UPPER_LIP, _LOWER_LIP, _MOUTH_LEFT, _MOUTH_RIGHT = 13, 14, 78, 308
_MARGIN = 0.6
"""Room around a face in which it is looked for, as a share of its larger side."""
_CROP = 256
"""Pixels along the longer side of what is searched; larger ones are scaled down."""
_SHIFT = 2
"""Pixels that a laid face may be off."""
_STILL = 48
"""Pixels along the sides of a face whose changes are measured."""
_FINE, _BROAD = 1.0, 6.0
"""Blurs in pixels between which the features of a face lie."""


class FindsMeshes(Protocol):
    """Something that finds meshes of 468 points in a picture that one face fills."""

    def meshes(self, image: Image) -> list[Array]:
        """Return the mesh (468, 2) of every face, in pixels."""


@dataclass(frozen=True, slots=True)
class FacePlace:
    """Where the source shows the face that speaks, in pixels of the pictures that are compared."""

    time: float
    """Seconds on the episode clock."""
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class _Face:
    """One face, laid."""

    laid: Image
    """(SIDE, SIDE, 3)"""
    box: tuple[slice, slice]
    """Rows and columns of the picture in which it lies."""
    mesh: Array
    """(468, 2) in pixels of what was searched."""
    detail: float


class FaceLooks:
    """The looks at one line, gathered in order of time."""

    def __init__(self, finder: FindsMeshes) -> None:
        self._finder = finder
        self._before: tuple[Image, Image] | None = None
        self.looks: list[FaceLook] = []

    def add(self, place: FacePlace, source_picture: Image, dub_picture: Image) -> None:
        """Compare the pictures of one moment; one at which the source has no clear face is left out."""
        source = _face(self._finder, source_picture, place)
        if source is None:
            return
        dub = _face(self._finder, dub_picture, place)
        changes: tuple[float, float] | None = None
        if self._before is not None:
            changes = (
                _change(self._before[0], source_picture, source.box),
                _change(self._before[1], dub_picture, source.box),
            )
        self.looks.append(_look(place, source, dub, changes))
        self._before = source_picture, dub_picture


def _look(
    place: FacePlace, source: _Face, dub: _Face | None, changes: tuple[float, float] | None
) -> FaceLook:
    source_change, change = changes or (None, None)
    if dub is None:
        return FaceLook(place.time, False, place.height, change=change, source_change=source_change)
    return FaceLook(
        time=place.time,
        found=True,
        height=place.height,
        likeness=likeness(source.laid, dub.laid),
        shape=_shape(source.mesh, dub.mesh),
        sharpness=dub.detail / max(source.detail, 1e-6),
        opening=_opening(dub.mesh),
        source_opening=_opening(source.mesh),
        change=change,
        source_change=source_change,
        colour=_colour(source.laid, dub.laid),
    )


def _face(finder: FindsMeshes, picture: Image, place: FacePlace) -> _Face | None:
    """Return the face that lies nearest to a place, within the room around it."""
    import cv2
    import numpy as np

    room = _MARGIN * max(place.width, place.height)
    left, top = max(0, round(place.left - room)), max(0, round(place.top - room))
    right, bottom = round(place.left + place.width + room), round(place.top + place.height + room)
    crop = picture[top:bottom, left:right]
    if min(crop.shape[:2]) < 8:
        return None
    scale = min(1.0, _CROP / max(crop.shape[:2]))
    small = np.asarray(cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    middle = np.array([place.left + place.width / 2 - left, place.top + place.height / 2 - top]) * scale
    meshes = sorted(finder.meshes(small), key=lambda mesh: float(np.linalg.norm(_middle(mesh) - middle)))
    if not meshes or np.linalg.norm(_middle(meshes[0]) - middle) > 0.6 * place.height * scale:
        return None
    mesh = meshes[0]
    turn, _ = cv2.estimateAffinePartial2D(
        mesh[list(_POINTS)], np.array(_PLACES, np.float32) * SIDE, method=cv2.LMEDS
    )
    if turn is None:
        return None
    laid = np.asarray(cv2.warpAffine(small, turn, (SIDE, SIDE), flags=cv2.INTER_AREA), np.uint8)
    grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.float32)
    box = _inside(mesh, grey.shape)
    rows, columns = (
        slice(first + round(part.start / scale), first + round(part.stop / scale))
        for first, part in zip((top, left), box, strict=True)
    )
    return _Face(laid, (rows, columns), mesh, _detail(grey[box]))


def _middle(mesh: Array) -> Array:
    middle: Array = (mesh.min(axis=0) + mesh.max(axis=0)) / 2
    return middle


def _inside(mesh: Array, size: tuple[int, ...]) -> tuple[slice, slice]:
    """Return the rows and columns of a face within a picture of some size."""
    left, top = (max(0, int(edge)) for edge in mesh.min(axis=0))
    right, bottom = (int(edge) + 1 for edge in mesh.max(axis=0))
    return slice(top, max(top + 4, min(bottom, size[0]))), slice(left, max(left + 4, min(right, size[1])))


def _detail(grey: Array) -> float:
    """Return how much fine detail a face has: the spread of what a small blur takes away."""
    import cv2

    return float((grey - cv2.GaussianBlur(grey, (0, 0), 1.0)).std())


def _change(before: Image, after: Image, box: tuple[slice, slice]) -> float:
    """Return the mean change of a face between two pictures, in levels of grey; grain does not count."""
    import cv2
    import numpy as np

    small = [
        np.asarray(
            cv2.resize(
                cv2.cvtColor(picture[box], cv2.COLOR_BGR2GRAY), (_STILL, _STILL), interpolation=cv2.INTER_AREA
            ),
            np.float32,
        )
        for picture in (before, after)
    ]
    return float(np.abs(small[1] - small[0]).mean())


def likeness(source: Image, dub: Image) -> float:
    """Return the correlation of the features of two laid faces, at the best place within two pixels."""
    import cv2
    import numpy as np

    one, other = _features(source), _features(dub)
    rows, columns = _UPPER
    inner = one[rows, columns]
    outer = other[rows.start - _SHIFT : rows.stop + _SHIFT, columns.start - _SHIFT : columns.stop + _SHIFT]
    found = cv2.matchTemplate(np.ascontiguousarray(outer), np.ascontiguousarray(inner), cv2.TM_CCOEFF_NORMED)
    return float(np.nan_to_num(found).max())


def _features(laid: Image) -> Array:
    """Return what lies between fine grain and broad light, each place against the contrast around it."""
    import cv2
    import numpy as np

    grey = np.asarray(cv2.cvtColor(laid, cv2.COLOR_BGR2GRAY), np.float32)
    band = cv2.GaussianBlur(grey, (0, 0), _FINE) - cv2.GaussianBlur(grey, (0, 0), _BROAD)
    around = np.sqrt(cv2.GaussianBlur(band * band, (0, 0), 2 * _BROAD))
    return np.asarray(band / (around + 2.0), np.float32)


def _shape(source: Array, dub: Array) -> float:
    """Return the mean distance of the unmoved points once one mesh is laid on the other, in eye distances."""
    import cv2
    import numpy as np

    ours, theirs = source[list(_SHAPE)], dub[list(_SHAPE)]
    turn, _ = cv2.estimateAffinePartial2D(theirs, ours, method=cv2.LMEDS)
    if turn is None:
        return float("inf")
    laid = theirs @ turn[:, :2].T + turn[:, 2]
    eyes = float(np.linalg.norm(source[33] - source[263]))
    return float(np.linalg.norm(laid - ours, axis=1).mean()) / max(eyes, 1e-6)


def _opening(mesh: Array) -> float:
    import numpy as np

    width = float(np.linalg.norm(mesh[_MOUTH_RIGHT] - mesh[_MOUTH_LEFT]))
    return float(np.linalg.norm(mesh[_LOWER_LIP] - mesh[_UPPER_LIP])) / max(width, 1e-6)


def _colour(source: Image, dub: Image) -> float:
    """Return the CIE 1976 distance of the mean colours of eyes, brows and nose."""
    import cv2
    import numpy as np

    means = [
        np.asarray(cv2.cvtColor(np.asarray(laid, np.float32) / 255, cv2.COLOR_BGR2LAB))[_UPPER].mean((0, 1))
        for laid in (source, dub)
    ]
    return float(np.linalg.norm(means[0] - means[1]))
