"""Sizes and lengths that a film can have; errors name the nearest ones."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

from dubkit.dubbing.clip.media import TRAINED_SECONDS
from dubkit.dubbing.diffusion.parts import GeneratorUnfit
from dubkit.ltx.latents import FRAMES_PER_LATENT
from dubkit.types import Fit

AREA = 512 * 768
"""Pixels of a first stage where nothing says otherwise; the network was made for them."""

SHORTEST_SIDE = 64
"""Pixels; the decoder mirrors the picture at its edges, which takes two latents."""


class FilmWindow(NamedTuple):
    """Frames that are made at once, in numbers of the whole film before any doubling."""

    start: int
    frames: int
    """8k+1; the last window may go beyond the film's end."""
    overlap: int
    """How many of the first are those of the window before; 0 in the first one."""


def check_size(height: int, width: int, step: int, name: str) -> None:
    """Refuse a side that is no multiple of `step`, or shorter than the picture's decoder takes."""
    for side, size in (("height", height), ("width", width)):
        if size < SHORTEST_SIDE or size % step:
            near = max(-(-SHORTEST_SIDE // step), round(size / step)) * step
            if not size % step:
                raise GeneratorUnfit(f"The {side} of {name} is at least {SHORTEST_SIDE}, not {size}.")
            raise GeneratorUnfit(f"The {side} of {name} is a multiple of {step}, not {size}; try {near}.")


def check_on_grid(what: str, frames: int) -> None:
    """Refuse a number of frames that is not 8k+1."""
    if frames < 1 or frames % FRAMES_PER_LATENT != 1:
        below = max(1, (frames - 1) // FRAMES_PER_LATENT * FRAMES_PER_LATENT + 1)
        above = below + FRAMES_PER_LATENT
        near = below if frames - below <= above - frames else above
        raise GeneratorUnfit(f"{what} is 8k+1, not {frames}; {near} is the nearest.")


def on_grid_below(frames: int) -> int:
    """Return the most frames, 8k+1, that are not more than these.

    >>> [on_grid_below(n) for n in (1, 8, 9, 30)]
    [1, 1, 9, 25]
    """
    return max(0, frames - 1) // FRAMES_PER_LATENT * FRAMES_PER_LATENT + 1


def longest_window(rate: Fraction) -> int:
    """Return the most frames, 8k+1, within the 20 seconds that the network's positions were trained on.

    >>> longest_window(Fraction(25))
    497
    """
    return on_grid_below(int(TRAINED_SECONDS * rate))


def windows_of(first: int, frames: int, longest: int, overlap: int) -> tuple[FilmWindow, ...]:
    """Return the windows of a film of `frames` frames, of which the first `first` are there.

    >>> windows_of(0, 25, 17, 9)
    (FilmWindow(start=0, frames=17, overlap=0), FilmWindow(start=8, frames=17, overlap=9))
    >>> windows_of(10, 14, 17, 9)
    (FilmWindow(start=1, frames=17, overlap=9),)
    """
    windows, covered = [], first
    while covered < frames:
        shared = min(overlap, on_grid_below(covered)) if covered else 0
        start = covered - shared
        wanted = -(-(frames - start - 1) // FRAMES_PER_LATENT) * FRAMES_PER_LATENT + 1
        windows.append(FilmWindow(start, min(longest, wanted), shared))
        covered = start + windows[-1].frames
    return tuple(windows)


def size_like(width: int, height: int, stages: int) -> tuple[int, int]:
    """Return height and width of a film with about these proportions and the usual number of pixels.

    >>> size_like(1920, 1080, 2)
    (960, 1664)
    """
    step = 32 * stages
    scale = math.sqrt(AREA * stages**2 / (width * height))
    across, down = (max(1, round(side * scale / step)) * step for side in (width, height))
    return down, across


def canvas(width: int, height: int, step: int) -> Fit:
    """Return the smallest canvas of multiples of `step`, and of 64 pixels, that holds a picture as it is.

    >>> canvas(100, 64, 32)
    Fit(width=128, height=64, left=14, top=0, scaled_width=100, scaled_height=64)
    """
    across, down = (max(SHORTEST_SIDE, -(-side // step) * step) for side in (width, height))
    return Fit(across, down, (across - width) // 2, (down - height) // 2, width, height)
