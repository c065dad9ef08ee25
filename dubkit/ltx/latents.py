"""Latent grids: their sizes, their tokens, and where each token lies in time and picture."""

from __future__ import annotations

from fractions import Fraction

import torch
from torch import Tensor

FRAMES_PER_LATENT = 8
"""Video frames per latent frame; the first latent frame stands for one frame alone."""
PIXELS_PER_LATENT = 32
AUDIO_LATENTS_PER_SECOND = 25
MEL_FRAMES_PER_LATENT = 4
MEL_HOP, MEL_RATE = 160, 16000
"""Samples from one mel frame to the next, and their rate."""


def latent_frames(frames: int) -> int:
    """Return the latent frames of a clip of 8k+1 frames.

    Raises:
        ValueError: another length; names the nearest ones that fit.
    """
    if frames < 1 or frames % FRAMES_PER_LATENT != 1:
        below = max(1, (frames - 1) // FRAMES_PER_LATENT * FRAMES_PER_LATENT + 1)
        raise ValueError(f"A clip has 8k+1 frames, not {frames}; use {below} or {below + FRAMES_PER_LATENT}.")
    return (frames - 1) // FRAMES_PER_LATENT + 1


def latent_size(height: int, width: int) -> tuple[int, int]:
    """Return latent rows and columns of a picture size in pixels.

    Raises:
        ValueError: a side is not a positive multiple of 32.
    """
    for name, size in (("height", height), ("width", width)):
        if size < PIXELS_PER_LATENT or size % PIXELS_PER_LATENT:
            near = max(1, round(size / PIXELS_PER_LATENT)) * PIXELS_PER_LATENT
            raise ValueError(f"The {name} is a multiple of 32 pixels, not {size}; {near} is the nearest.")
    return height // PIXELS_PER_LATENT, width // PIXELS_PER_LATENT


def audio_latents(frames: int, rate: Fraction | float) -> int:
    """Return the audio latents of so many video frames by the rule of the stock pipelines.

    A dub takes its length from the encoded reference instead, which is usually one more.
    """
    return round(frames / float(rate) * AUDIO_LATENTS_PER_SECOND)


def patchify_video(latent: Tensor) -> Tensor:
    """[B, C, F, H, W] to tokens [B, F H W, C]: frame, row, column."""
    return latent.flatten(2).transpose(1, 2)


def unpatchify_video(tokens: Tensor, frames: int, rows: int, columns: int) -> Tensor:
    """Tokens [B, F H W, C] to [B, C, F, H, W]."""
    return torch.unflatten(tokens.transpose(1, 2), 2, (frames, rows, columns))


def patchify_audio(latent: Tensor) -> Tensor:
    """[B, C, T, bins] to tokens [B, T, C bins], channel-major."""
    return latent.transpose(1, 2).flatten(2)


def unpatchify_audio(tokens: Tensor, channels: int) -> Tensor:
    """Tokens [B, T, C bins] to [B, C, T, bins]."""
    return torch.unflatten(tokens, 2, (channels, -1)).transpose(1, 2)


def video_bounds(frames: int, rows: int, columns: int, *, causal: bool = True, first: int = 0) -> Tensor:
    """Return int64 bounds [1, 3, F H W, 2] of latent tokens: frames, pixel rows, pixel columns.

    `causal` accounts for the first latent frame standing for one frame alone; `first` is the frame of the
    clip at which the grid begins.
    """
    axes = [torch.arange(n) for n in (frames, rows, columns)]
    starts = torch.stack(torch.meshgrid(*axes, indexing="ij")).flatten(1)
    scale = torch.tensor([FRAMES_PER_LATENT, PIXELS_PER_LATENT, PIXELS_PER_LATENT])[:, None]
    bounds = torch.stack((starts * scale, (starts + 1) * scale), dim=-1)
    if causal:
        bounds[0] = (bounds[0] + 1 - FRAMES_PER_LATENT).clamp(min=0)
    bounds[0] += first
    return bounds[None]


def video_positions(
    frames: int,
    rows: int,
    columns: int,
    rate: Fraction | float,
    *,
    causal: bool = True,
    first: int = 0,
) -> Tensor:
    """Return float32 position bounds [1, 3, F H W, 2]: seconds, pixel rows, pixel columns."""
    bounds = video_bounds(frames, rows, columns, causal=causal, first=first).float()
    bounds[:, 0] = bounds[:, 0] / float(rate)
    return bounds


def audio_positions(latents: int, *, first: int = 0) -> Tensor:
    """Return float32 position bounds [1, 1, T, 2] in seconds; `first` is the first latent's index."""
    edges = torch.arange(first, first + latents + 1) * MEL_FRAMES_PER_LATENT
    edges = (edges + 1 - MEL_FRAMES_PER_LATENT).clamp(min=0).float() * MEL_HOP / MEL_RATE
    return torch.stack((edges[:-1], edges[1:]), dim=-1)[None, None]


def quantised_positions(positions: Tensor, targets: int, dtype: torch.dtype) -> Tensor:
    """Round the positions of the first `targets` tokens to `dtype`, as the original does for bfloat16.

    The original keeps target positions in the model's dtype and appended ones in float32, so that with
    bfloat16 a target and its reference twin differ by up to 13 ms at 25 frames per second. Where nothing
    is appended its rotary arithmetic stays in bfloat16 too: such positions are returned in `dtype`.
    """
    if targets == positions.shape[2]:
        return positions.to(dtype)
    rounded = positions.clone()
    rounded[:, :, :targets] = positions[:, :, :targets].to(dtype).float()
    return rounded
