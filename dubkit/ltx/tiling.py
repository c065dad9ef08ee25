"""Encode and decode large or long videos in overlapping tiles, blended by weights with linear ramps.

Tiles are laid out in latents for both directions. In time every tile after the first begins one latent
early: the first latent of a tile stands for one frame, as at the head of a clip, so it has weight 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor

from dubkit.ltx.video_layers import Strides
from dubkit.ltx.video_vae import VideoDecoder, VideoEncoder, check_size


@dataclass(frozen=True, slots=True)
class Tiling:
    """Size and overlap of tiles in pixels (both sides of the picture) and frames."""

    pixels: int = 512
    overlap_pixels: int = 64
    frames: int = 64
    overlap_frames: int = 24

    @classmethod
    def default(cls) -> Tiling:
        """Return the tiling that is taken where nothing else is said."""
        return cls()


class Span(NamedTuple):
    """One tile along one axis: its latents, what they stand for in the video, and float32 weights of each.

    Weights are divided by their sum over the tiles of the axis. As tiles form a grid, the products over
    three axes then add up to 1 everywhere, and no sum of weights over whole videos is needed.
    """

    latents: slice
    pixels: slice
    latent_weights: Tensor
    pixel_weights: Tensor


def trapezoid(length: int, left: int, right: int, *, from_zero: bool) -> Tensor:
    """Return (length,) weights that rise over the first `left` and fall over the last `right` places.

    Neither ramp contains 0 or 1, but a rise `from_zero` begins with 0.
    """
    weights = torch.ones(length)
    if left:
        first = 0 if from_zero else 1
        weights[:left] *= torch.arange(first, left + first) / (left + first)
    if right:
        weights[-right:] *= torch.arange(right, 0, -1) / (right + 1)
    return weights


def spans(length: int, size: int, overlap: int, stride: int, *, causal: bool = False) -> list[Span]:
    """Split an axis of `length` latents, `stride` pixels each, into overlapping tiles; `causal` for time."""
    early, step = int(causal), size - overlap
    count = 1 if length <= size else (length + size - 2 * overlap - 1) // step
    found = []
    for i in range(count):
        head, tail = i == 0, i + 1 == count
        latents = slice(0 if head else i * step - early, length if tail else i * step + size)
        pixels = slice(latents.start * stride, (latents.stop - early) * stride + early)
        rise, fine_rise = (0, 0) if head else (overlap + early, overlap * stride + early)
        fall = 0 if tail else overlap
        coarse = trapezoid(latents.stop - latents.start, rise, fall, from_zero=causal)
        fine = trapezoid(pixels.stop - pixels.start, fine_rise, fall * stride, from_zero=causal)
        found.append(Span(latents, pixels, coarse, fine))
    for place, weights in (("latents", "latent_weights"), ("pixels", "pixel_weights")):
        total = torch.zeros(getattr(found[-1], place).stop)
        for span in found:
            total[getattr(span, place)] += getattr(span, weights)
        for span in found:
            getattr(span, weights).div_(total[getattr(span, place)])
    return found


def layout(latents: Sequence[int], tiling: Tiling, strides: Strides) -> tuple[list[Span], ...]:
    """Return the tiles of each axis of (F', H', W') latents; work goes over time, then rows, then columns.

    Raises:
        ValueError: a size or overlap is no whole number of latents, or a tile is all overlap.
    """
    axes = []
    for axis, (length, stride) in enumerate(zip(latents, strides, strict=True)):
        name = "pixels" if axis else "frames"
        size, overlap = getattr(tiling, name), getattr(tiling, f"overlap_{name}")
        if size % stride or overlap % stride or not 0 <= overlap < size:
            raise ValueError(
                f"Tiles of {size} {name} with overlap {overlap} do not fit: use multiples of {stride}, "
                "and an overlap smaller than the tile."
            )
        axes.append(spans(length, size // stride, overlap // stride, stride, causal=axis == 0))
    return tuple(axes)


def decode_tiled(
    decoder: VideoDecoder, latent: Tensor, tiling: Tiling, generator: torch.Generator | None = None
) -> Iterator[Tensor]:
    """Yield pixels (B, 3, f, H, W) of latents (B, C, F', H', W'), in order, as frames are finished.

    One piece per tile in time; it has no frames where the next tile begins with it. A single tile equals
    the decoder's own result to the bit.
    """
    times, rows, columns = layout(latent.shape[2:], tiling, decoder.strides)
    size = rows[-1].pixels.stop, columns[-1].pixels.stop
    carried = latent.new_empty(0)
    for time, following in zip(times, (*times[1:], None), strict=True):
        frames = time.pixels.stop - time.pixels.start
        video = _zeros(latent, decoder.config.out_channels, frames, *size)
        for row, column in product(rows, columns):
            pixels = decoder(latent[:, :, time.latents, row.latents, column.latents], generator)
            weights = time.pixel_weights[:, None, None] * row.pixel_weights[:, None] * column.pixel_weights
            video[..., row.pixels, column.pixels].addcmul_(pixels.to(video), weights.to(video))
        if carried.numel():
            video[:, :, : carried.shape[2]] += carried
        finished = following.pixels.start - time.pixels.start if following else frames
        carried = video[:, :, finished:].clone()
        yield video[:, :, :finished].to(latent.dtype)


def encode_tiled(encoder: VideoEncoder, pixels: Tensor, tiling: Tiling) -> Tensor:
    """Return latents (B, C, F', H', W') of pixels (B, 3, F, H, W); one tile equals the encoder's own result.

    Raises:
        ValueError: frames, rows or columns off the grid.
    """
    check_size(pixels, encoder.strides)
    size = [-(-n // stride) for n, stride in zip(pixels.shape[2:], encoder.strides, strict=True)]
    latent = _zeros(pixels, encoder.config.latent_channels, *size)
    for time, row, column in product(*layout(size, tiling, encoder.strides)):
        part = encoder(pixels[:, :, time.pixels, row.pixels, column.pixels])
        weights = time.latent_weights[:, None, None] * row.latent_weights[:, None] * column.latent_weights
        latent[:, :, time.latents, row.latents, column.latents].addcmul_(part.to(latent), weights.to(latent))
    return latent.to(pixels.dtype)


def _zeros(like: Tensor, *shape: int) -> Tensor:
    """Zeros to add up in: at least float32, so that sums of bfloat16 tiles round once."""
    return like.new_zeros(len(like), *shape, dtype=torch.promote_types(like.dtype, torch.float32))
