"""Find the faces in one picture, and their mouths. Everything runs in OpenCV, on the processor.

The better finder takes MediaPipe's face detector and 468-point face mesh out of the `mediapipe` package,
which is never imported: its own code needs an old protobuf, and OpenCV reads its two networks as they are.
The other is OpenCV's cascade, which sees frontal faces only and knows no lips.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Image = NDArray[np.uint8]
    Array = NDArray[np.float32]

log = logging.getLogger(__name__)

_MODELS = ("face_detection/face_detection_short_range.tflite", "face_landmark/face_landmark.tflite")
_DETECTOR_SIDE = 128
_MESH_SIDE = 192
_MESH_MARGIN = 1.5
"""Side of the square that the mesh looks at, over that of the detected face."""
_LEAST_SCORE = 0.5
_UPPER_LIP, _LOWER_LIP, _MOUTH_LEFT, _MOUTH_RIGHT = 13, 14, 78, 308
"""Points of the mesh: inner edges of the lips, and the corners of the mouth."""

_PATCH = 64
_BROW_TO_LIP = _PATCH * 5 // 8
"""Rows of a patch above the mouth."""
_PIXEL_MOVEMENT = 5.0
"""Mouth movement per unit of mean absolute change of grey, measured against the mesh on talking heads."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One face in one picture, in pixels of that picture."""

    left: float
    top: float
    width: float
    height: float
    opening: float = 0.0
    """Mouth opening over mouth width; 0 where lips are not known."""
    patch: Image | None = None
    """The face in grey, 64 x 64, where movement has to be judged by pixels."""

    def overlap(self, other: Seen) -> float:
        """Return the area that two faces share over the area that they cover."""
        across = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        down = min(self.top + self.height, other.top + other.height) - max(self.top, other.top)
        shared = max(across, 0.0) * max(down, 0.0)
        return shared / max(self.width * self.height + other.width * other.height - shared, 1e-9)


class Finder(Protocol):
    """Something that finds faces in a BGR picture (H, W, 3), and judges how a mouth moves."""

    method: str

    def find(self, image: Image) -> list[Seen]:
        """Return every face in the picture."""

    def movement(self, faces: Sequence[Seen]) -> float:
        """Return how much one person's mouth opens and closes, as a share of its width."""


def open_finder(folder: Path | None = None) -> Finder | None:
    """Return the best finder that this machine can run; None when there is none.

    Args:
        folder: where MediaPipe's models lie; None takes those of the installed package.
    """
    import cv2

    models = mediapipe_models() if folder is None else folder
    if models is not None:
        try:
            return MeshFinder(models)
        except (cv2.error, AttributeError) as error:
            log.debug("MediaPipe's face models cannot be used (%s); OpenCV's own are.", error)
    cascade = Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_alt2.xml"
    # Version 5 of OpenCV has neither the class nor the file.
    if hasattr(cv2, "CascadeClassifier") and cascade.is_file():
        return CascadeFinder(cascade)
    return None


def mediapipe_models() -> Path | None:
    """Return the folder of MediaPipe's models; None where no package that holds them is installed.

    The package from version 1 on, and some before it, come without models.
    """
    spec = find_spec("mediapipe")
    for place in (spec.submodule_search_locations if spec else None) or ():
        folder = Path(place) / "modules"
        if all((folder / model).is_file() for model in _MODELS):
            return folder
    return None


def finder_identity() -> str:
    """Name what `open_finder` would open, without opening it: it enters the keys of results."""
    if mediapipe_models() is None:
        return "opencv"
    try:
        return f"mediapipe {version('mediapipe')}"
    except PackageNotFoundError:
        return "mediapipe"


class MeshFinder:
    """MediaPipe's short-range face detector, over the whole picture and parts of it, then its face mesh."""

    method = "mediapipe"

    def __init__(self, folder: Path) -> None:
        import cv2

        self._detector, self._mesh = (cv2.dnn.readNetFromTFLite(str(folder / model)) for model in _MODELS)
        self._anchors = _anchors()

    def find(self, image: Image) -> list[Seen]:
        """Return every face that the mesh confirms; parts of the picture are searched for small faces."""
        height, width = image.shape[:2]
        short = min(height, width)
        found = self._detect(image, (width - max(width, height)) / 2, (height - max(width, height)) / 2)
        for side in (short, short / 2):
            if side < short and found:
                break
            for left, top in _tiles(width, height, side):
                found += self._detect(image, left, top, side)
        return _without_twins([_seen(points) for points in self._meshes(image, found)])

    def meshes(self, image: Image) -> list[Array]:
        """Return the mesh (468, 2) of every face in a picture that one face fills, in pixels."""
        return self._meshes(image, self._detect(image, 0.0, 0.0))

    def _meshes(self, image: Image, found: Sequence[Array]) -> list[Array]:
        meshes = (self._points(image, face) for face in _distinct(found))
        return [points for points in meshes if points is not None]

    def movement(self, faces: Sequence[Seen]) -> float:
        """Return the standard deviation of mouth opening over mouth width."""
        import numpy as np

        return float(np.std([face.opening for face in faces]))

    def _detect(self, image: Image, left: float, top: float, side: float = 0.0) -> list[Array]:
        """Return the faces in a square of the picture; `side` 0 takes its longer side.

        Each is (9,): score, left, top, right, bottom, right eye (x, y), left eye (x, y).
        """
        import cv2
        import numpy as np

        side = side or max(image.shape[:2])
        crop = _square(image, left, top, side, _DETECTOR_SIDE)
        blob = cv2.dnn.blobFromImage(crop, 1 / 127.5, mean=(127.5, 127.5, 127.5), swapRB=True)
        self._detector.setInput(blob)
        logits, values = self._detector.forward(("classificators", "regressors"))
        scores = 1 / (1 + np.exp(-np.clip(logits[0, :, 0], -50, 50)))
        chosen = np.flatnonzero(scores >= _LEAST_SCORE)
        values = values[0, chosen] / _DETECTOR_SIDE
        centre = values[:, :2] + self._anchors[chosen]
        half = values[:, 2:4] / 2
        eyes = values[:, 4:8] + np.tile(self._anchors[chosen], 2)
        places = np.concatenate([centre - half, centre + half, eyes], axis=1) * side
        places += np.tile(np.array([left, top], np.float32), 4)
        return list(np.concatenate([scores[chosen, None], places], axis=1).astype(np.float32))

    def _points(self, image: Image, face: Array) -> Array | None:
        """Return the mesh (468, 2) in pixels of the picture, or None where it sees no face."""
        import cv2
        import numpy as np

        left, top, right, bottom, *eyes = (float(value) for value in face[1:])
        angle = np.arctan2(eyes[3] - eyes[1], eyes[2] - eyes[0])
        side = max(right - left, bottom - top) * _MESH_MARGIN
        scale = _MESH_SIDE / side
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) * scale
        centre = np.array([(left + right) / 2, (top + bottom) / 2])
        matrix = np.hstack([turn, (_MESH_SIDE / 2 - turn @ centre)[:, None]])
        crop = cv2.warpAffine(image, matrix, (_MESH_SIDE, _MESH_SIDE), flags=cv2.INTER_LINEAR)
        self._mesh.setInput(cv2.dnn.blobFromImage(crop, 1 / 255, swapRB=True))
        flag, points = self._mesh.forward(("conv2d_31", "conv2d_21"))
        if 1 / (1 + np.exp(-float(flag.ravel()[0]))) < _LEAST_SCORE:
            return None
        flat = points.reshape(-1, 3)[:, :2].astype(np.float64) - matrix[:, 2]
        return np.asarray(flat @ np.linalg.inv(turn).T, np.float32)


class CascadeFinder:
    """OpenCV's cascade for frontal faces; mouths are judged by how the lower face changes."""

    method = "opencv"

    def __init__(self, cascade: Path) -> None:
        import cv2

        self._cascade = cv2.CascadeClassifier(str(cascade))

    def find(self, image: Image) -> list[Seen]:
        """Return every frontal face."""
        import cv2
        import numpy as np

        grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
        scale = min(1.0, 720 / max(grey.shape))
        small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        found = self._cascade.detectMultiScale(small, 1.1, 5, minSize=(24, 24))
        faces = []
        for box in found:
            left, top, width, height = (float(side) / scale for side in box)
            patch = _square(grey, left, top, width, _PATCH)
            faces.append(Seen(left, top, width, height, patch=patch))
        return faces

    def movement(self, faces: Sequence[Seen]) -> float:
        """Return how much more the lower third of the face changes between looks than the rest of it."""
        import cv2
        import numpy as np

        grey = [face.patch for face in faces if face.patch is not None]
        patches = [np.asarray(cv2.equalizeHist(patch), np.uint8) for patch in grey]
        changes = []
        for before, after in pairwise(patches):
            change = np.abs(_aligned(before, after).astype(float) - before) / 255
            mouth, rest = (
                change[_BROW_TO_LIP:, _PATCH // 4 : -_PATCH // 4],
                change[_PATCH // 8 : _BROW_TO_LIP],
            )
            changes.append(float(mouth.mean() - rest[:, _PATCH // 8 : -_PATCH // 8].mean()))
        return max(float(np.mean(changes)), 0.0) * _PIXEL_MOVEMENT if changes else 0.0


def _aligned(before: Image, after: Image) -> Image:
    """Lay the upper part of the later face onto the earlier one: the cascade's boxes jump and breathe."""
    import cv2
    import numpy as np

    above = np.zeros_like(before)
    above[:_BROW_TO_LIP] = 255
    start = np.eye(2, 3, dtype=np.float32)
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 50, 1e-4)
    try:
        _, matrix = cv2.findTransformECC(before, after, start, cv2.MOTION_AFFINE, stop, above, 5)
    except cv2.error:
        return before  # The faces have too little in common to say anything about a mouth.
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    laid = cv2.warpAffine(after, matrix, (_PATCH, _PATCH), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(laid, np.uint8)


def _anchors() -> Array:
    """Return the centres (896, 2) that the detector's values count from, as shares of its square."""
    import numpy as np

    layers = []
    for cells, count in ((16, 2), (8, 6)):
        centres = (np.arange(cells) + 0.5) / cells
        across, down = np.meshgrid(centres, centres)
        layers.append(np.repeat(np.stack([across.ravel(), down.ravel()], axis=1), count, axis=0))
    return np.concatenate(layers).astype(np.float32)


def _tiles(width: int, height: int, side: float) -> list[tuple[float, float]]:
    """Return the corners of squares that cover a picture and share half of their side with the next."""
    steps = [max(1, round(2 * (length - side) / side)) if length > side else 0 for length in (width, height)]
    return [
        ((width - side) * i / max(steps[0], 1), (height - side) * j / max(steps[1], 1))
        for j in range(steps[1] + 1)
        for i in range(steps[0] + 1)
    ]


def _square(image: Image, left: float, top: float, side: float, size: int) -> Image:
    """Return a square of a picture at `size` pixels, black outside; averaged where it is scaled down."""
    import cv2
    import numpy as np

    scale = size / side
    first = [max(0, round(left)), max(0, round(top))]
    last = [min(image.shape[1], round(left + side)), min(image.shape[0], round(top + side))]
    result = np.zeros((size, size, *image.shape[2:]), np.uint8)
    # A corner between two pixels is rounded: scaled up, that may lie before the square's own edge.
    into = [max(0, round((start - corner) * scale)) for start, corner in zip(first, (left, top), strict=True)]
    room = [
        min(size - start, max(1, round((end - begin) * scale)))
        for start, begin, end in zip(into, first, last, strict=True)
    ]
    part = image[first[1] : last[1], first[0] : last[0]]
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    result[into[1] : into[1] + room[1], into[0] : into[0] + room[0]] = cv2.resize(
        part, (room[0], room[1]), interpolation=way
    )
    return result


def _distinct(found: Sequence[Array]) -> list[Array]:
    """Return the best of each heap of detections of one face."""
    import cv2

    boxes = [[f[1], f[2], f[3] - f[1], f[4] - f[2]] for f in (face.tolist() for face in found)]
    kept = cv2.dnn.NMSBoxes(boxes, [float(face[0]) for face in found], _LEAST_SCORE, 0.3)
    return [found[int(index)] for index in kept]


def _seen(points: Array) -> Seen:
    import numpy as np

    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    mouth = float(np.linalg.norm(points[_MOUTH_RIGHT] - points[_MOUTH_LEFT]))
    gap = float(np.linalg.norm(points[_LOWER_LIP] - points[_UPPER_LIP]))
    opening = gap / max(mouth, 1e-6)
    return Seen(float(left), float(top), float(right - left), float(bottom - top), opening)


def _without_twins(faces: list[Seen]) -> list[Seen]:
    """Drop faces that lie on an earlier one: half a face may be detected beside the whole."""
    kept: list[Seen] = []
    for face in faces:
        if all(face.overlap(other) < 0.3 for other in kept):
            kept.append(face)
    return kept
