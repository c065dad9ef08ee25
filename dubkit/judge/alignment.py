"""Lay a dub's clock on that of its source by their pictures: offset, speed, and how alike they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.types import Episode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

SPEEDS = (1.0, 25 / 24, 24 / 25, 25025 / 24000, 24000 / 25025, 1001 / 1000, 1000 / 1001)
"""What a film's length is multiplied by where it is moved between 24, 23.976 and 25 frames a second."""
ALIKE = 0.8
"""Correlation of the pictures from which they are the same film's."""
_WIDTH, _CELLS = 64, (16, 9)
_GRID = 25.0
"""Moments of a second at which changes are compared."""
_PLACES = 4
"""Places of the largest agreement that are looked at more closely."""
_MOMENTS = 60
"""Moments whose pictures are compared."""


@dataclass(frozen=True, slots=True)
class ClockMatch:
    """How the clock of a dub lies on that of its source."""

    offset: float = 0.0
    """Seconds of the dub's clock at which the source begins."""
    speed: float = 1.0
    """Seconds of the dub for a second of the source."""
    alike: float | None = None
    """Correlation of their pictures, at most 1; None where one of them has no picture."""

    @property
    def is_same_picture(self) -> bool:
        """Whether the dub shows the source's picture."""
        return self.alike is not None and self.alike >= ALIKE

    def dub_time(self, source_time: float) -> float:
        """Return the moment of the dub at which a moment of the source is shown."""
        return source_time * self.speed + self.offset


@dataclass(frozen=True, slots=True)
class Shown:
    """A film as it is compared: small pictures and their times."""

    times: NDArray[np.float64]
    cells: Array
    """(frames, rows * columns) of grey, each picture with mean 0 and length 1."""
    changes: Array
    """How much each picture differs from the one before, in levels of grey."""


def shown(path: Path, episode: Episode) -> Shown | None:
    """Read a film's pictures for comparing; None where it has none."""
    import cv2
    import numpy as np

    from dubkit.media.picture.frames import clock_of, iter_frames

    if episode.video is None:
        return None
    clock = clock_of(path, episode.video)
    times, greys = [], []
    for number, image in iter_frames(path, episode, width=_WIDTH, clock=clock):
        times.append(float(clock.times[number]))
        small = cv2.resize(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), _CELLS, interpolation=cv2.INTER_AREA)
        greys.append(small.ravel())
    if not greys:
        return None
    cells = np.array(greys, np.float32)
    changes = np.abs(np.diff(cells, axis=0, prepend=cells[:1])).mean(axis=1)
    centred = cells - cells.mean(axis=1, keepdims=True)
    lengths = np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-6)
    return Shown(np.array(times), centred / lengths, np.asarray(changes, np.float32))


def align(source: Shown | None, dub: Shown | None) -> ClockMatch:
    """Return how a dub's pictures lie on the source's; without pictures the clocks are taken as one."""
    if source is None or dub is None:
        return ClockMatch()
    found = [
        (*_fine(source, dub, offset, speed), speed)
        for speed in SPEEDS
        if abs(speed - 1) < 1e-9 or _lasts_as(source, dub, speed)
        for offset in (0.0, *_places(source, dub, speed))
    ]
    # Where nothing moves, many places agree: the nearest to the start, at the source's own speed, counts.
    best = max(alike for alike, _, _ in found)
    if best < ALIKE:
        return ClockMatch(alike=round(best, 3))
    alike, offset, speed = min(
        (one for one in found if one[0] >= best - 0.005), key=lambda one: (abs(one[2] - 1), abs(one[1]))
    )
    return ClockMatch(round(offset, 3), speed, round(alike, 3))


def _lasts_as(source: Shown, dub: Shown, speed: float) -> bool:
    """Tell whether a dub may be as long as the source at a speed, with up to a tenth before and after it."""
    ours, theirs = (film.times[-1] - film.times[0] for film in (source, dub))
    return bool(abs(theirs / max(ours * speed, 1e-6) - 1) < 0.1)


def _places(source: Shown, dub: Shown, speed: float) -> list[float]:
    """Return the offsets at which the changes of both agree most."""
    import numpy as np
    from scipy.signal import correlate  # type: ignore[import-untyped]

    ours = _on_grid(source.times * speed, source.changes)
    theirs = _on_grid(dub.times, dub.changes)
    agree = np.asarray(correlate(theirs, ours, mode="full", method="fft"))
    places = []
    for _ in range(_PLACES):
        best = int(agree.argmax())
        places.append((best - (len(ours) - 1)) / _GRID)
        agree[max(0, best - 5) : best + 6] = -np.inf
    return places


def _on_grid(times: NDArray[np.float64], changes: Array) -> NDArray[np.float64]:
    """Return changes at even moments from 0 on, large ones damped, with mean 0."""
    import numpy as np

    moments = np.arange(0.0, float(times[-1]) + 1 / _GRID, 1 / _GRID)
    damped = np.sqrt(np.interp(moments, times, changes, left=0.0, right=0.0))
    return np.asarray(damped - damped.mean(), np.float64)


def _fine(source: Shown, dub: Shown, offset: float, speed: float) -> tuple[float, float]:
    """Return likeness and offset of the best place near one."""
    import numpy as np

    numbers = np.unique(np.linspace(0, len(source.times) - 1, _MOMENTS).round().astype(int))
    best = (-1.0, offset)
    for step in np.arange(-0.12, 0.1201, 0.01):
        at = source.times[numbers] * speed + offset + step
        inside = (at >= dub.times[0] - 0.02) & (at <= dub.times[-1] + 0.05)
        if inside.sum() < max(3, len(numbers) // 4):
            continue
        theirs = np.clip(np.searchsorted(dub.times, at[inside] + 1e-3, side="right") - 1, 0, None)
        alike = float((source.cells[numbers[inside]] * dub.cells[theirs]).sum(axis=1).mean())
        # Within a frame all steps show the same pictures: the one nearest to none counts.
        if alike > best[0] + 1e-6 or (alike > best[0] - 1e-6 and abs(step) < abs(best[1] - offset)):
            best = (max(alike, best[0]), float(offset + step))
    return best
