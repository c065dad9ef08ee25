"""Where speech begins and ends in a synthesised sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK = 0.0025
"""Seconds of one block of the envelope."""

FLOOR = 10 ** (-40 / 20)
"""Level against the loudest block below which a block is silence: soft fricatives lie above it."""

QUIET = 10 ** (-75 / 20)
"""Level against full scale below which a block is silence however quiet the rest is."""

FADE_IN, FADE_OUT, TAIL = 0.001, 0.010, 0.020
"""Seconds of the fades, and of the decay that is kept after the last loud block."""

CLICK, CLICK_GAP = 0.030, 0.150
"""A last burst shorter than CLICK, after more than CLICK_GAP of silence, is a fault of the synthesiser.

A released final consonant is as short, but follows its vowel within about a tenth of a second.
"""


def trimmed(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Return (N,) sound from the start to the end of its speech, with short fades; empty for silence."""
    import numpy as np

    loud = loud_blocks(samples, rate)
    if not loud.size:
        return np.zeros(0, np.float32)
    block = max(1, round(BLOCK * rate))
    end = min((without_click(loud) + 1) * block + round(TAIL * rate), len(samples))
    first = int(loud[0]) * block
    # A voice may swell out of a loud block's level for a while; its start is where a listener's meter moves.
    size = np.abs(samples[first:end])
    start = first + int(np.argmax(size >= FLOOR * size.max())) - round(FADE_IN * rate)
    return faded(samples[max(start, 0) : end], rate, FADE_IN, FADE_OUT)


def faded(samples: NDArray[np.float32], rate: int, rise: float, fall: float) -> NDArray[np.float32]:
    """Return a copy of (N,) that rises from and falls to zero within the given seconds."""
    import numpy as np

    shaped = np.array(samples, dtype=np.float32)
    up, down = (min(round(seconds * rate), len(shaped) // 2) for seconds in (rise, fall))
    if up:
        shaped[:up] *= np.linspace(0.0, 1.0, up, endpoint=False, dtype=np.float32)
    if down:
        shaped[-down:] *= np.linspace(1.0, 0.0, down, dtype=np.float32)
    return shaped


def loud_blocks(samples: NDArray[np.float32], rate: int) -> NDArray[np.intp]:
    """Return the numbers of the blocks that are not silence."""
    import numpy as np

    block = max(1, round(BLOCK * rate))
    padded = np.pad(samples.astype(np.float64), (0, -len(samples) % block))
    level = np.sqrt(np.mean(padded.reshape(-1, block) ** 2, axis=1)) if len(padded) else np.zeros(0)
    return np.flatnonzero(level > max(QUIET, FLOOR * float(level.max(initial=0.0))))


def without_click(loud: NDArray[np.intp], block: float = BLOCK) -> int:
    """Return the last loud block that is speech; `block` is their length in seconds."""
    import numpy as np

    gaps = np.flatnonzero(np.diff(loud) * block > CLICK_GAP)
    if gaps.size and (loud[-1] - loud[gaps[-1] + 1] + 1) * block < CLICK:
        return int(loud[gaps[-1]])
    return int(loud[-1])
