"""Colours at the borders of a stretch whose pictures are not the source's."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Image = NDArray[np.uint8]
    Cells = NDArray[np.float32]

_CELLS = (32, 18)
"""Columns and rows of the means that are compared."""


def cells(image: Image) -> Cells:
    """Return the mean colours of a BGR picture (H, W, 3): (rows, columns, 3) of L*, a* and b*."""
    import cv2
    import numpy as np

    small = cv2.resize(image, _CELLS, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(np.asarray(small, np.float32) / 255, cv2.COLOR_BGR2LAB), np.float32)


def seam(within: tuple[Cells, Cells], beyond: tuple[Cells, Cells]) -> float:
    """Return the jump of colour at a border that the dub has and the source has not.

    Half of the picture jumps at least that much: what moves in a part of it does not count, nor does a colour
    that both sides of the border share.

    Args:
        within: the cells of source and dub at the last frame on this side of the border.
        beyond: the same at the first frame on its other side.

    Returns:
        CIE 1976 difference; about 2.3 is just noticed.
    """
    import numpy as np

    jump = (beyond[1] - beyond[0]) - (within[1] - within[0])
    return float(np.linalg.norm(np.median(jump, axis=(0, 1))))
