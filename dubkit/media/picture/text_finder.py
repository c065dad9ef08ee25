"""Where a picture shows writing: the detector of PP-OCRv4, which comes in the package rapidocr-onnxruntime.

The package is never imported, because it asks for an OpenCV with windows; its network is read by OpenCV.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.types.models import InPackage, ModelFile, ModelSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Image = NDArray[np.uint8]

ROLE = "text-finder"
TEXT_FINDER = ModelSpec(
    role=ROLE,
    name="pp-ocr-v4-det",
    licence="Apache-2.0",
    licence_url="https://github.com/RapidAI/RapidOCR/blob/main/LICENSE",
    about="Where a picture shows writing, part of rapidocr-onnxruntime",
    does="letters that a generator draws into a picture",
    without="Letters that appear in generated pictures are not found.",
    default=True,
    optional=True,
    files=(
        ModelFile(
            "ch_PP-OCRv4_det_infer.onnx",
            4_745_517,
            "d2a7720d45a54257208b1e13e36a8479894cb74155a5efe29462512d42f49da9",
        ),
    ),
    main="ch_PP-OCRv4_det_infer.onnx",
    required=("ch_PP-OCRv4_det_infer.onnx",),
    # Without --no-deps it brings opencv-python, which writes over the headless one.
    in_package=InPackage("--no-deps rapidocr-onnxruntime==1.4.4", "rapidocr_onnxruntime", "models"),
    needs=("cv2",),
    runtime_pip="opencv-python-headless",
)

_LONGEST = 960
"""Pixels along the longer side of what the network looks at."""
_LEAST_PIXEL = 0.3
"""Probability from which a pixel belongs to writing."""
_LEAST_SCORE = 0.6
"""Mean probability of a piece of writing."""
_GROWN = 1.6
"""The network shrinks writing to its core; a box is grown by this much of its height."""


@dataclass(frozen=True, slots=True)
class Writing:
    """A piece of writing, in shares of the picture's width and height."""

    left: float
    top: float
    width: float
    height: float
    score: float


class TextFinder:
    """Finds writing in pictures."""

    def __init__(self, model: Path) -> None:
        import cv2

        self._network = cv2.dnn.readNetFromONNX(str(model))

    def find(self, image: Image) -> list[Writing]:
        """Return the pieces of writing in a BGR picture (H, W, 3), from the top."""
        import cv2
        import numpy as np

        scale = min(1.0, _LONGEST / max(image.shape[:2]))
        height, width = (max(32, round(side * scale / 32) * 32) for side in image.shape[:2])
        shown = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        self._network.setInput(cv2.dnn.blobFromImage(shown, 1 / 127.5, mean=(127.5, 127.5, 127.5)))
        likely = np.asarray(self._network.forward()[0, 0], np.float32)
        marked = np.asarray(likely > _LEAST_PIXEL, np.uint8)
        count, labels, boxes, _ = cv2.connectedComponentsWithStats(marked)
        found = []
        for number in range(1, count):
            left, top, across, down, area = (int(value) for value in boxes[number])
            inside = labels[top : top + down, left : left + across] == number
            score = float(likely[top : top + down, left : left + across][inside].mean())
            if score < _LEAST_SCORE or min(across, down) < 3 or area < 12:
                continue
            more = (_GROWN - 1) * min(across, down)
            found.append(
                Writing(
                    (left - more / 2) / width,
                    (top - more / 2) / height,
                    (across + more) / width,
                    (down + more) / height,
                    round(score, 3),
                )
            )
        return sorted(found, key=lambda writing: (writing.top, writing.left))
