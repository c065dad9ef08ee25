"""Speak higher or lower in the same time and timbre: periods of a voice laid closer or wider (PSOLA)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNVOICED = 0.005
"""Seconds between two grains where there is no voice; they stay where they are."""

SEARCH = 0.2
"""Share of a period in which the next peak is looked for."""

LEAST = 0.05
"""Semitones below which nothing is done."""


def moved(
    samples: NDArray[np.float32], rate: int, hz: NDArray[np.float64], step: float, semitones: float
) -> NDArray[np.float32]:
    """Return (N,) speech of the same length whose melody lies `semitones` higher; its formants stay.

    `hz` is its pitch every `step` seconds, 0 where it has no voice: there nothing changes.
    """
    import numpy as np

    if abs(semitones) < LEAST or not len(samples) or not np.any(hz > 0):
        return samples
    sound = samples.astype(np.float64)
    marks, periods = _marks(sound, rate, hz, step)
    places, grains = _places(marks, periods, rate, 2 ** (semitones / 12))
    out, weight = np.zeros(len(sound)), np.zeros(len(sound))
    for place, grain in zip(places, grains, strict=True):
        _lay(sound, out, weight, marks[grain], place, round(periods[grain] or UNVOICED * rate))
    bare = weight < 1e-3
    out[bare], weight[bare] = sound[bare], 1.0
    return np.asarray(out / weight, np.float32)


def _marks(
    sound: NDArray[np.float64], rate: int, hz: NDArray[np.float64], step: float
) -> tuple[list[int], list[float]]:
    """Return where periods peak, and how many samples each is long; 0 in sound without a voice."""
    import numpy as np

    marks, periods = [0], [0.0]
    while True:
        frame = min(round(marks[-1] / rate / step), len(hz) - 1)
        period = rate / hz[frame] if hz[frame] > 0 else 0.0
        ahead = marks[-1] + round(period or UNVOICED * rate)
        if ahead >= len(sound):
            return marks, periods
        if period:
            reach = round((SEARCH if periods[-1] else 0.5) * period)
            first = max(ahead - reach, marks[-1] + 1)
            ahead = first + int(np.argmax(sound[first : ahead + reach + 1]))
        marks.append(ahead)
        periods.append(float(period))


def _places(marks: list[int], periods: list[float], rate: int, factor: float) -> tuple[list[int], list[int]]:
    """Return where grains are laid, and which: in a voice closer by `factor`, elsewhere where they were."""
    import numpy as np

    places, grains, at = [], [], 0
    while at < len(marks):
        if not periods[at]:
            places.append(marks[at])
            grains.append(at)
            at += 1
            continue
        last = at
        while last + 1 < len(marks) and periods[last + 1]:
            last += 1
        inside, place = np.array(marks[at : last + 1]), float(marks[at])
        while place <= marks[last]:
            nearest = at + int(np.argmin(np.abs(inside - place)))
            places.append(round(place))
            grains.append(nearest)
            place += periods[nearest] / factor
        at = last + 1
    return places, grains


def _lay(
    sound: NDArray[np.float64],
    out: NDArray[np.float64],
    weight: NDArray[np.float64],
    mark: int,
    place: int,
    reach: int,
) -> None:
    """Add the sound around a mark at a place, under a window of two periods."""
    import numpy as np

    before = min(reach, mark, place)
    after = min(reach, len(sound) - mark, len(sound) - place)
    window = 0.5 + 0.5 * np.cos(np.pi * np.arange(-before, after) / reach)
    out[place - before : place + after] += window * sound[mark - before : mark + after]
    weight[place - before : place + after] += window
