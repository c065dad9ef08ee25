"""Another reading of a line: what a seed decides, the same on every machine and in every version.

Without a seed a synthesiser speaks a line in its plain way. A seed varies what the synthesiser offers, so
little that the voice stays the speaker's; the module of each engine says what it varies.
"""

from __future__ import annotations

from hashlib import shake_256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def varied(seed: int, what: str, low: float, high: float) -> float:
    """Return the value from `low` to `high`, all equally likely, that `seed` gives `what`.

    >>> varied(7, "pace", 1.0, 1.0), 0.9 <= varied(7, "pace", 0.9, 1.1) <= 1.1
    (1.0, True)
    """
    share = int.from_bytes(_bits(seed, what, 6)) / (2**48 - 1)
    return low + (high - low) * share


def direction(seed: int, what: str, width: int) -> NDArray[np.float32]:
    """Return the (width,) direction of length 1 that `seed` gives `what`; `width` is a multiple of 8."""
    import numpy as np

    signs = np.unpackbits(np.frombuffer(_bits(seed, what, width // 8), np.uint8))
    return np.asarray((2.0 * signs - 1.0) / np.sqrt(width), np.float32)


def _bits(seed: int, what: str, count: int) -> bytes:
    # A generator's stream may change with its package; a hash never does.
    return shake_256(f"{what} {seed}".encode()).digest(count)
