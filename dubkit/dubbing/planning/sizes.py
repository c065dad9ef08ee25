"""How large the generator's canvas is, and where the source's picture lies on it.

A call has two stages. Stage 1 works on a canvas whose sides are multiples of 32 pixels, one latent each;
stage 2 doubles every length, so that final sides are multiples of 64.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from dubkit.errors import SettingError
from dubkit.types import Fit

CELL = 32
"""Pixels of a stage-1 side per latent."""
LONGEST_SIDE = 1024
"""Longest side of stage 1: doubled it is 2048 pixels, as far as the generator's positions were trained."""
DEFAULT_PIXELS = 512 * 768
"""Pixels of stage 1 that the generator was tuned for."""
CLOSE_ENOUGH = 0.85
"""Share of the largest possible picture below which a canvas is too small to be chosen for little padding.
One step of 32 pixels on one side is about so much."""

FRAMES_PER_LATENT = 8
SHORTEST, LONGEST = 9, 257
"""Frames of the shortest and longest clip; what lies beyond 257 (10 s at 25 per second) is untrained."""

MAX_FRAMES = 121
"""Longest clip where nothing else is said."""

MEMORY = (
    (8, 8_600),
    (12, 26_900),
    (16, 45_000),
    (24, 80_000),
    (32, 118_000),
    (48, 190_000),
    (80, 338_000),
    (141, 617_000),
)
"""Memory of a card in GB (1e9 bytes) -> picture tokens of one stage-2 pass, references included.

Estimates from counts, not measurements. Of nine tenths of the memory, 5.5 GB go to what does not grow with
the clip: two streamed blocks and the parts outside the blocks (2.3 GB of the 37.8 GB in bfloat16), the
prompt's keys and values (1.2 GB), one tile of the picture codec (2 GB). A token then takes 24 vectors of
4096 values in bfloat16, 197 kB: twice the twelve that a block is counted to need, as an allowance for
attention and fragments. Blocks that do not fit beside the tokens are streamed, which costs time, not frames.
"""
CARD_SHARE = 0.95
"""A card sold as 24 GB reports a little less."""

HANDLE_FRAMES, MOST_HANDLE_FRAMES = 4, 32


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle in whole pixels of a canvas."""

    left: int
    top: int
    width: int
    height: int


def pixels_for(size: int) -> int:
    """Return the stage-1 pixels of the setting `dub.size`: the short side of a 3:2 picture of that area.

    >>> pixels_for(512) == 512 * 768
    True

    Raises:
        SettingError: outside 32 to 1024.
    """
    if not CELL <= size <= LONGEST_SIDE:
        raise SettingError("dub.size", size, f"must be {CELL} to {LONGEST_SIDE} pixels; 512 is usual")
    return size * size * 3 // 2


def choose_size(source_width: int, source_height: int, *, pixels: int = DEFAULT_PIXELS) -> Fit:
    """Choose the canvas for a picture, and lay the whole picture into it.

    Nothing is cropped and the aspect is kept; what the canvas has beyond the picture is split between both
    sides. Of the canvases of at most `pixels` pixels that hold a picture nearly as large as can be, the one
    with the least padding is taken. A small picture is scaled up: the generator was not trained on
    small canvases. A picture of extreme aspect is never thinner than one pixel.

    Args:
        source_width, source_height: of the picture as shown, after rotation and with square pixels.
        pixels: most pixels of the canvas at stage 1.

    Raises:
        ValueError: a picture without pixels, or fewer `pixels` than the smallest canvas has.
    """
    if source_width < 1 or source_height < 1:
        raise ValueError(f"A picture of {source_width}x{source_height} pixels has no size.")
    if pixels < CELL * CELL:
        raise ValueError(f"The smallest canvas has {CELL * CELL} pixels, not {pixels}.")
    fits = [_laid(source_width, source_height, *canvas) for canvas in _canvases(pixels)]
    largest = max(_picture(fit) for fit in fits)
    close = [fit for fit in fits if _picture(fit) >= CLOSE_ENOUGH * largest]
    # The last two settle ties, so that the choice never depends on an order.
    return min(
        close, key=lambda fit: (1 - _picture(fit) / (fit.width * fit.height), -_picture(fit), fit.width)
    )


def _canvases(pixels: int) -> Iterator[tuple[int, int]]:
    for width in range(CELL, LONGEST_SIDE + 1, CELL):
        for height in range(CELL, min(LONGEST_SIDE, pixels // width) + 1, CELL):
            yield width, height


def _laid(source_width: int, source_height: int, width: int, height: int) -> Fit:
    """Scale the picture until one side meets the canvas: in whole numbers, as a float could pass it."""
    if source_width * height >= source_height * width:
        scaled_width = width
        scaled_height = max(1, (2 * source_height * width + source_width) // (2 * source_width))
    else:
        scaled_height = height
        scaled_width = max(1, (2 * source_width * height + source_height) // (2 * source_height))
    left, top = (width - scaled_width) // 2, (height - scaled_height) // 2
    return Fit(width, height, left, top, scaled_width, scaled_height)


def _picture(fit: Fit) -> int:
    return fit.scaled_width * fit.scaled_height


def check_fit(fit: Fit) -> None:
    """Refuse a fit that the generator cannot take.

    Raises:
        ValueError: a canvas side is not a positive multiple of 32, or the picture leaves the canvas.
    """
    for name, side in (("width", fit.width), ("height", fit.height)):
        if side < CELL or side % CELL:
            near = max(1, round(side / CELL)) * CELL
            raise ValueError(f"The canvas {name} is a multiple of {CELL}, not {side}; {near} is the nearest.")
    for name, start, length, room in (
        ("width", fit.left, fit.scaled_width, fit.width),
        ("height", fit.top, fit.scaled_height, fit.height),
    ):
        if start < 0 or length < 1 or start + length > room:
            raise ValueError(
                f"The picture's {name} is {length} from {start} on: outside a canvas of {room} pixels."
            )


def picture_rect(fit: Fit, stage: Literal[1, 2]) -> Rect:
    """Return where the picture lies on the canvas of a stage.

    Forward, the source is scaled to this size and put at this place; back, this rectangle is cut out and
    scaled to the source's size.
    """
    check_fit(fit)
    return Rect(fit.left * stage, fit.top * stage, fit.scaled_width * stage, fit.scaled_height * stage)


def max_frames_for(card_bytes: int, width: int, height: int) -> int:
    """Return the longest clip, 8k+1 frames up to 257, that a card of so much memory is estimated to hold.

    The limit is that of the largest row of `MEMORY` that the card has; 0 where there is none, or where not
    even nine frames fit. A stage-2 pass has 2 x latents x cells tokens: the picture and its reference, at
    four times the cells of stage 1.

    Args:
        width, height: of the canvas at stage 1.

    >>> max_frames_for(24_000_000_000, 768, 512)
    201
    """
    rows = [tokens for size, tokens in MEMORY if size * 1e9 * CARD_SHARE <= card_bytes]
    latents = max(rows, default=0) // (8 * (width // CELL) * (height // CELL))
    return min(LONGEST, FRAMES_PER_LATENT * (latents - 1) + 1) if latents >= 2 else 0
