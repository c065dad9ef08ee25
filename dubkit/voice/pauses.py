"""The silences inside a line: they give before its words do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubkit.voice.trim import BLOCK, loud_blocks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHORTEST = 0.12
"""Seconds of silence that are a pause: the closure of a consonant is shorter."""

KEPT, KEPT_SHARE = 0.10, 0.4
"""Seconds, and share of itself, of which the longer is left of a pause: it is still heard as one."""

GROWTH = 0.5
"""Share of itself by which a pause may grow."""

BLEND = 0.004
"""Seconds over which both sides of a cut or a repeat are blended."""


def with_pauses(samples: NDArray[np.float32], rate: int, wanted: int) -> NDArray[np.float32]:
    """Return (N,) sound whose pauses are changed so that it comes near `wanted` samples; its words stay.

    A pause keeps KEPT and grows by GROWTH at most; all give the same share of what they can.
    """
    import numpy as np

    missing = wanted - len(samples)
    pauses = _pauses(samples, rate)
    gives = [_give(end - start, rate, missing > 0) for start, end in pauses]
    if not missing or not sum(gives):
        return samples
    share = min(1.0, abs(missing) / sum(gives)) * (1 if missing > 0 else -1)
    blend = round(BLEND * rate)
    ramp = np.linspace(0.0, 1.0, blend, dtype=np.float32)
    parts, done = [], 0
    for (start, end), give in zip(pauses, gives, strict=True):
        change = round(share * give)
        cut = (start + end + change) // 2
        part = samples[done:cut].copy()
        done = cut - change
        part[-blend:] = part[-blend:] * (1 - ramp) + samples[done - blend : done] * ramp
        parts.append(part)
    return np.concatenate([*parts, samples[done:]])


def _give(length: int, rate: int, grows: bool) -> int:
    """Return by how many samples a pause can change."""
    return int(GROWTH * length if grows else length - max(KEPT * rate, KEPT_SHARE * length))


def _pauses(samples: NDArray[np.float32], rate: int) -> list[tuple[int, int]]:
    """Return where each pause begins and ends."""
    import numpy as np

    loud = loud_blocks(samples, rate)
    block = max(1, round(BLOCK * rate))
    gaps = np.flatnonzero((np.diff(loud) - 1) * block >= SHORTEST * rate)
    return [((int(loud[gap]) + 1) * block, int(loud[gap + 1]) * block) for gap in gaps]
