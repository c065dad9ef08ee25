"""Lengths of speech from a network that gives each symbol a whole number of frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FRAME_SECONDS = 0.025
"""Length of a frame in Kokoro and in what was taught by it."""


@dataclass(frozen=True, slots=True)
class Around:
    """Frames of silence around the speech of a network, reckoned from its symbols at both ends.

    Of the closing mark and of the last symbol before it, most is silence; of a short text, less.
    """

    always: float
    opening: float
    """Share of the first symbol's frames."""
    mark: float
    """Share of the closing mark's."""
    last: float
    """Share of those of the last symbol before the mark."""
    short: float
    """Frames that are left out, divided by the number of symbols."""

    def speech(self, frames: NDArray[np.float32]) -> float:
        """Return the frames of the speech itself, of all symbols with their pads; two at least."""
        first, last, mark = float(frames[0]), float(frames[-3]), float(frames[-2])
        silence = self.always + self.opening * first + self.mark * mark + self.last * last
        return max(2.0, float(frames.sum()) - silence + self.short / (len(frames) - 2))


def symbol_frames(lengths: NDArray[np.float32], speed: float) -> NDArray[np.float32]:
    """Return the whole frames that a network gives each symbol at a speed: one at least."""
    import numpy as np

    return np.asarray(np.maximum(np.rint(lengths / np.float32(speed)), 1), np.float32)
