"""Whether two sounds are the same where they should be, though one was coded again with a small loss.

Compared below 4 kHz, where coding keeps the wave itself and not only how it sounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.types import SAMPLE_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WINDOW = SAMPLE_RATE // 2
"""Samples that are compared at a time."""
STEP = 6
"""Samples that are put together, which leaves what is below 4 kHz."""
EDGE = 2048
"""Samples at either end of a span that are left out: a coder smears what is beside them."""
SILENT_DB = -55.0
"""Level below which a window counts as silent in the source, where coding leaves nothing to compare."""
AT_ONCE = 60 * SAMPLE_RATE


def changed_seconds(
    source: Path, dub: Path, spans: Iterable[tuple[int, int]], *, gain_db: float = 0.0, least_db: float = 6.0
) -> float:
    """Return seconds of `spans` (samples at 48 kHz) in which a dub's WAV is not its source's, with a gain.

    A half second is changed where the difference is less than `least_db` below the source's sound, or where
    something is heard though the source is silent.
    """
    changed = 0
    for start, end in spans:
        for first, last in _pieces(start + EDGE, end - EDGE):
            changed += _changed_windows(
                _read(source, first, last), _read(dub, first, last), gain_db, least_db
            )
    return changed * WINDOW / SAMPLE_RATE


def _pieces(start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start >= WINDOW:
        last = min(end, start + AT_ONCE)
        yield start, last
        start = last


def _changed_windows(
    source: NDArray[np.float64], dub: NDArray[np.float64], gain_db: float, least_db: float
) -> int:
    import numpy as np

    count = min(len(source), len(dub)) * STEP // WINDOW
    wide = WINDOW // STEP
    if not count:
        return 0
    before = (source * 10 ** (gain_db / 20))[: count * wide].reshape(count, wide)
    after = dub[: count * wide].reshape(count, wide)
    floor = 10 ** (SILENT_DB / 10)
    power = (before**2).mean(axis=1)
    other = ((after - before) ** 2).mean(axis=1)
    return int(np.sum(other > np.maximum(power, floor) * 10 ** (-least_db / 10)))


def _read(path: Path, start: int, end: int) -> NDArray[np.float64]:
    """Return the mean of the channels from `start` to `end` at 8 kHz."""
    import numpy as np
    import soundfile as sf  # type: ignore[import-untyped]

    sound, _ = sf.read(path, start=start, stop=end, always_2d=True)
    mono = sound.mean(axis=1)
    return np.asarray(mono[: len(mono) // STEP * STEP].reshape(-1, STEP).mean(axis=1))
