"""A person's recording of one line: where its speech begins and ends, without what is around it.

Room tone goes, breaths stay: what lies clearly above the quiet of the room, right before the first word or
right after the last, belongs to the performance. No level is changed, and a recording whose ends are trimmed
already keeps every sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dubkit.types import SAMPLE_RATE
from dubkit.voice.trim import FADE_IN, FADE_OUT, FLOOR, QUIET, TAIL, faded, without_click

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK = 0.010
"""Seconds of one block in which levels are measured."""

ROOM_SHARE = 10
"""Percentile of the blocks' levels that is taken for the quiet of the room."""

ABOVE_ROOM = 10 ** (6 / 20)
"""Level against the quiet of the room from which something is heard: its blocks vary by one or two dB."""

WORD, WORD_ABOVE_ROOM = 10 ** (-32 / 20), 10 ** (12 / 20)
"""Level from which it is a word, against the loudest block and against the room; breaths lie below."""

NO_QUIET = 10 ** (-25 / 20)
"""Level against the loudest block above which nothing is taken for the quiet of a room."""

BREATH_BEFORE, BREATH_AFTER = 0.8, 0.5
"""The most seconds of a breath that are kept before the first word and after the last."""

BREATH_GAP = 0.12
"""Seconds of quiet between a breath and its word."""

LEAST_CUT = 0.030
"""Seconds at an end below which nothing is cut: a recording that is trimmed already stays as it is."""

CLIPPED = 0.999
"""Sample value from which a converter has most likely run out of range."""

CLIPPED_RUN, CLIPPED_RUNS = 3, 3
"""Samples in a row at that value, and how many such rows make a recording clipped."""


@dataclass(frozen=True, slots=True, eq=False)
class RecordedSpeech:
    """Trimmed speech: (N,) mono at 48 kHz."""

    samples: NDArray[np.float32]
    cut: int
    """Samples of the recording that were cut before the first of these."""
    lead: int
    """Samples before the first word: a breath."""
    clipped: bool

    @property
    def spoken(self) -> int:
        """Samples from the first word on."""
        return len(self.samples) - self.lead


def trimmed_recording(samples: NDArray[np.float32]) -> RecordedSpeech:
    """Return (N,) mono at 48 kHz without the silence at its ends; empty where there is no sound."""
    import numpy as np

    size = round(BLOCK * SAMPLE_RATE)
    level = np.sqrt(np.mean(_blocks(samples, size) ** 2, axis=1))
    if float(level.max(initial=0.0)) < QUIET:
        return RecordedSpeech(np.zeros(0, np.float32), 0, 0, False)
    first, last, heard = _words(level)
    word = first * size
    begin = _reach(heard, first, -1, BREATH_BEFORE) * size
    end = (_reach(heard, last, +1, BREATH_AFTER) + 1) * size + round(TAIL * SAMPLE_RATE)
    least = round(LEAST_CUT * SAMPLE_RATE)
    begin = begin if begin >= least else 0
    end = end if len(samples) - end >= least else len(samples)
    cut = samples[begin:end]
    if begin or end < len(samples):
        rise, fall = FADE_IN if begin else 0.0, FADE_OUT if end < len(samples) else 0.0
        cut = faded(cut, SAMPLE_RATE, rise, fall)
    return RecordedSpeech(cut, begin, word - begin, is_clipped(samples))


def _words(level: NDArray[np.float64]) -> tuple[int, int, NDArray[np.bool_]]:
    """Return the first and the last block with words, and which blocks anything is heard in."""
    import numpy as np

    loudest, room = float(level.max()), float(np.percentile(level, ROOM_SHARE))
    if room > NO_QUIET * loudest:  # there is no quiet in it
        room, heard = 0.0, level > FLOOR * loudest
    else:
        heard = level > max(ABOVE_ROOM * room, QUIET)
    words = np.flatnonzero(level > max(WORD * loudest, WORD_ABOVE_ROOM * room, QUIET))
    if not words.size:  # hardly louder than the room
        words = np.flatnonzero(level >= loudest / 2)
    return int(words[0]), without_click(words, BLOCK), heard


def _blocks(samples: NDArray[np.float32], size: int) -> NDArray[np.float64]:
    import numpy as np

    return np.pad(samples.astype(np.float64), (0, -len(samples) % size)).reshape(-1, size)


def _reach(heard: NDArray[np.bool_], at: int, step: int, most: float) -> int:
    """Return the block at which a breath ends that lies within a short gap of block `at`."""
    reached, block = at, at + step
    while 0 <= block < len(heard) and abs(block - at) * BLOCK <= most:
        if heard[block]:
            reached = block
        elif abs(block - reached) * BLOCK > BREATH_GAP:
            break
        block += step
    return reached


def is_clipped(samples: NDArray[np.float32]) -> bool:
    """Tell whether a recording was too loud for its converter: flat tops again and again."""
    import numpy as np

    flat = np.concatenate([[False], np.abs(samples) >= CLIPPED, [False]])
    edges = np.flatnonzero(np.diff(flat))
    runs = edges[1::2] - edges[::2]
    return int(np.count_nonzero(runs >= CLIPPED_RUN)) >= CLIPPED_RUNS
