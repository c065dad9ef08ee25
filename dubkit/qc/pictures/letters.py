"""Writing that a dub shows and its source does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

LEAST_ASPECT = 1.6
"""Width over height in pixels from which a find is writing: faces and hands are found too, as squares."""
MOST_HEIGHT = 0.15
"""Share of the picture's height above which a find is no writing."""
_SHARED = 0.3
"""Share of a piece of writing that lies on writing of the source, from which it is the source's."""


class Piece(Protocol):
    """A find, in shares of the picture's width and height."""

    @property
    def left(self) -> float: ...
    @property
    def top(self) -> float: ...
    @property
    def width(self) -> float: ...
    @property
    def height(self) -> float: ...


def is_writing(piece: Piece, shape: tuple[int, ...]) -> bool:
    """Tell whether a find in a picture (H, W, 3) has the shape of a line of writing."""
    aspect = piece.width * shape[1] / max(piece.height * shape[0], 1e-9)
    return aspect >= LEAST_ASPECT and piece.height <= MOST_HEIGHT


def appeared(source: Sequence[Piece], dub: Sequence[Piece], shape: tuple[int, ...]) -> float:
    """Return the height of the largest writing that only the dub shows, as a share of the picture's, or 0.

    Args:
        source: everything found in the source, whatever its shape.
        dub: everything found in the dub.
        shape: of the dub's picture, (H, W, 3).
    """
    new = (piece for piece in dub if is_writing(piece, shape) and _covered(piece, source) < _SHARED)
    return max((piece.height for piece in new), default=0.0)


def _covered(piece: Piece, others: Sequence[Piece]) -> float:
    """Return the largest share of a piece that another one covers."""
    return max((_shared(piece, other) for other in others), default=0.0)


def _shared(piece: Piece, other: Piece) -> float:
    across = min(piece.left + piece.width, other.left + other.width) - max(piece.left, other.left)
    down = min(piece.top + piece.height, other.top + other.height) - max(piece.top, other.top)
    return max(across, 0.0) * max(down, 0.0) / max(piece.width * piece.height, 1e-9)
