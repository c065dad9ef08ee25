"""Where a face is in every frame, and how softly a generated one gives way to the source around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dubkit.dubbing.film.colour import PictureFormat
from dubkit.types import FaceBox

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.floating]

# Shares of the face's size by which a box grows before the mask begins to fall. Detectors end a face at
# the brows and the chin; a jaw that opens moves well below the box.
_SIDES, _ABOVE, _BELOW = 0.15, 0.05, 0.25
FEATHER = 0.25
"""Share of the face's size over which the mask falls from 1 to 0."""


@dataclass(frozen=True, slots=True)
class _Area:
    """A padded face in the stored picture, in pixels, and the widths of its soft edges."""

    left: float
    top: float
    right: float
    bottom: float
    soft_x: float
    soft_y: float


class FaceMask:
    """The region of one or more faces over the frames of a clip, 0 to 1.

    Between two boxes of a face it moves evenly; before the first and after the last it stays. It is
    computed for any sample position, so that planes of every subsampling get the same shape.

    Raises:
        ValueError: no face, a face without boxes, or boxes out of order.
    """

    def __init__(self, form: PictureFormat, faces: Sequence[Sequence[FaceBox]]) -> None:
        if not faces or not all(faces):
            raise ValueError("A face mask needs at least one box of every face.")
        for boxes in faces:
            frames = [box.frame for box in boxes]
            if frames != sorted(set(frames)):
                raise ValueError(f"The boxes of a face are not in the order of their frames: {frames}.")
        self.form = form
        self.faces = faces

    def plane(self, frame: int, rows: Floats, columns: Floats) -> tuple[slice, slice, Floats]:
        """The mask at sample centres `rows` and `columns` (stored picture, pixels): where it is not zero.

        Returns the rows and columns that hold all of it and the values there.
        """
        import numpy as np

        parts = []
        for boxes in self.faces:
            area = self._area(boxes, frame)
            parts.append(
                (
                    _profile(rows, area.top, area.bottom, area.soft_y),
                    _profile(columns, area.left, area.right, area.soft_x),
                )
            )
        high = _extent(np.max([down for down, _ in parts], axis=0))
        wide = _extent(np.max([across for _, across in parts], axis=0))
        values = np.max([np.outer(down[high], across[wide]) for down, across in parts], axis=0)
        return high, wide, values

    def _area(self, boxes: Sequence[FaceBox], frame: int) -> _Area:
        import numpy as np

        frames = [box.frame for box in boxes]
        left, top, width, height = (
            float(np.interp(frame, frames, [getattr(box, name) for box in boxes]))
            for name in ("left", "top", "width", "height")
        )
        return self._stored(
            left - _SIDES * width,
            top - _ABOVE * height,
            left + (1 + _SIDES) * width,
            top + (1 + _BELOW) * height,
            (FEATHER * width, FEATHER * height),
        )

    def _stored(
        self, left: float, top: float, right: float, bottom: float, soft: tuple[float, float]
    ) -> _Area:
        """Turn a region of the shown picture back into the stored one."""
        wide, high = self.form.width, self.form.height
        turns = self.form.quarter_turns
        if turns % 2:
            soft = soft[1], soft[0]
        if turns == 1:
            left, top, right, bottom = wide - bottom, left, wide - top, right
        elif turns == 2:
            left, top, right, bottom = wide - right, high - bottom, wide - left, high - top
        elif turns == 3:
            left, top, right, bottom = top, high - right, bottom, high - left
        if self.form.mirrored:
            left, right = wide - right, wide - left
        return _Area(left, top, right, bottom, *soft)


def _profile(at: Floats, low: float, high: float, soft: float) -> Floats:
    """1 from `low` to `high`, falling without a corner to 0 at `soft` beyond them."""
    import numpy as np

    outside = np.maximum(np.maximum(low - at, at - high), 0.0) / max(soft, 1e-6)
    level = np.clip(1.0 - outside, 0.0, 1.0)
    smooth: Floats = level * level * (3.0 - 2.0 * level)
    return smooth


def _extent(profile: Floats) -> slice:
    import numpy as np

    inside = np.flatnonzero(profile)
    return slice(int(inside[0]), int(inside[-1]) + 1) if len(inside) else slice(0, 0)
