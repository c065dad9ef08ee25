"""Rotary position tables: built once per clip and size, applied to queries and keys."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from dubkit.ltx.config import RopeKind


def frequency_grid(dim: int, axes: int, theta: float, *, float64: bool = True) -> Tensor:
    """Return the [dim // (2 axes)] float32 frequencies, from pi/2 to theta pi/2.

    `float64` is the precision before the rounding to float32. The highest frequency is 15708 for theta
    10000, so the last bits of the arithmetic are visible in the result.
    """
    dtype = torch.float64 if float64 else torch.float32
    steps = torch.linspace(0, 1, dim // (2 * axes), dtype=dtype)
    base = torch.tensor(theta, dtype=dtype)
    return (torch.pow(base, steps) * (math.pi / 2)).to(torch.float32)


@dataclass(frozen=True, slots=True)
class Rotation:
    """Cosines and sines, [B, T, heads, head_dim / 2] each, and which features form a pair."""

    cos: Tensor
    sin: Tensor
    kind: RopeKind

    def apply(self, x: Tensor) -> Tensor:
        """Rotate [..., B, T, heads, head_dim]."""
        axis = -2 if self.kind == "split" else -1
        shape = (2, -1) if self.kind == "split" else (-1, 2)
        pairs = torch.unflatten(x, -1, shape)
        rotated = pairs * self.cos.unsqueeze(axis)
        first, second = pairs.unbind(axis)
        rotated.select(axis, 0).addcmul_(second, self.sin, value=-1)
        rotated.select(axis, 1).addcmul_(first, self.sin)
        return rotated.flatten(-2)

    def rows(self, start: int, stop: int) -> Rotation:
        """Return the tables of some of the tokens."""
        return Rotation(self.cos[:, start:stop], self.sin[:, start:stop], self.kind)


@dataclass(frozen=True, slots=True)
class RopeSpec:
    """What a kind of rotary table depends on besides the positions.

    `max_positions` has one entry per axis, in the unit of the positions. Each head takes its own
    consecutive run of the frequencies, so heads see different bands.
    """

    heads: int
    head_dim: int
    max_positions: tuple[float, ...]
    theta: float
    kind: RopeKind
    float64: bool

    def tables(self, positions: Tensor, dtype: torch.dtype) -> Rotation:
        """Return the rotation for [B, axes, T] positions, with tables of `dtype`.

        The products are float32 in the original's order; relative positions are computed in the dtype of
        `positions`, which is bfloat16 where the original's is.
        """
        dim, axes = self.heads * self.head_dim, len(self.max_positions)
        if positions.ndim != 3 or positions.shape[1] != axes:
            raise ValueError(f"Positions are {tuple(positions.shape)}; expected [B, {axes}, T].")
        grid = frequency_grid(dim, axes, self.theta, float64=self.float64).to(positions.device)
        relative = torch.stack([positions[:, axis] / top for axis, top in enumerate(self.max_positions)], -1)
        # Frequency-major, axis-minor; what is missing to dim / 2 is filled in front with angle 0.
        angles = (grid * (relative * 2 - 1).unsqueeze(-1)).transpose(-1, -2).flatten(2)
        angles = torch.nn.functional.pad(angles, (dim // 2 - angles.shape[-1], 0))
        angles = torch.unflatten(angles, -1, (self.heads, self.head_dim // 2))
        return Rotation(angles.cos().to(dtype), angles.sin().to(dtype), self.kind)


def middles(bounds: Tensor) -> Tensor:
    """Return the middle [B, axes, T] of [B, axes, T, 2] position bounds, in their dtype."""
    return (bounds[..., 0] + bounds[..., 1]) / 2
