"""The gain of a limiter that looks ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def smooth_gain(needed: NDArray[np.float64], look: int) -> NDArray[np.float64]:
    """Turn the gain that each sample needs into one that glides and is nowhere higher."""
    from scipy.ndimage import minimum_filter1d, uniform_filter1d  # type: ignore[import-untyped]

    held = minimum_filter1d(needed, 2 * look + 1, mode="nearest")
    # Two running means of half the width reach as far as the minimum was held.
    width = max(1, look - 1 + look % 2)
    gain: NDArray[np.float64] = uniform_filter1d(uniform_filter1d(held, width), width)
    return gain
