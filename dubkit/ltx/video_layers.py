"""Layers of the video autoencoder: padded convolution, residual stages, resampling between them.

Letters: B batch, C channels, F frames, H rows, W columns; hidden tensors are (B, C, F, H, W).
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dubkit.ltx.codec_config import Padding, VAEBlock
from dubkit.ltx.modulation import sinusoid

Strides = tuple[int, int, int]
"""Factor per axis: frames, rows, columns."""
STRIDES = {"compress_space": (1, 2, 2), "compress_time": (2, 1, 1), "compress_all": (2, 2, 2)}


class Conv(nn.Module):
    """A 3 x 3 x 3 convolution whose time axis is padded with copies of frames instead of zeros.

    Causal: two copies of the first frame in front, so no frame sees a later one and a single frame
    is encoded as it would be at the head of a clip. Otherwise one copy at each end.
    """

    def __init__(
        self, inputs: int, outputs: int, padding: Padding, causal: bool, strides: Strides = (1, 1, 1)
    ) -> None:
        super().__init__()
        self.causal, self.padding = causal, padding
        # Zeros cost nothing inside the convolution; other modes are written beforehand.
        inner = (0, 1, 1) if padding == "zeros" else 0
        self.conv = nn.Conv3d(inputs, outputs, 3, stride=strides, padding=inner)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, F, H, W) -> (B, C', F / stride rounded up, H / stride, W / stride)."""
        return self.conv(self._padded(x))  # type: ignore[no-any-return]

    def _padded(self, x: Tensor) -> Tensor:
        if self.padding != "zeros":
            # In two dimensions: without a copy before, and every device and dtype has it.
            planes = F.pad(x.flatten(1, 2), (1, 1, 1, 1), mode=self.padding)
            x = torch.unflatten(planes, 1, (x.shape[1], -1))
        first, last = x[:, :, :1], x[:, :, -1:]
        return torch.cat((first, first, x) if self.causal else (first, x, last), dim=2)


def normalized(x: Tensor, modulation: Sequence[Tensor] = ()) -> Tensor:
    """Return `silu(x / sqrt(mean over channels of x**2 + 1e-8))`; `modulation`: (shift, scale) before silu.

    Never more than one tensor of x's size beside x: the squares are gone before the result is made.
    """
    out = x / x.square().mean(1, keepdim=True).add_(1e-8).sqrt_()
    if modulation:
        shift, scale = modulation
        out.mul_(1 + scale).add_(shift)
    return F.silu(out, inplace=True)


class TimeEmbedder(nn.Module):
    """Embed the noise level that a conditioned decoder is told: sinusoid of 256, two linear layers."""

    def __init__(self, width: int) -> None:
        super().__init__()
        first, second = nn.Linear(256, width), nn.Linear(width, width)
        layers: dict[str, nn.Module] = {"linear_1": first, "silu": nn.SiLU(), "linear_2": second}
        self.timestep_embedder = nn.Sequential(OrderedDict(layers))

    def forward(self, level: Tensor) -> Tensor:
        """(1,) -> (width,)."""
        return self.timestep_embedder(sinusoid(level)[0].to(level.dtype))  # type: ignore[no-any-return]


def modulation_rows(table: Tensor, embedded: Tensor) -> tuple[Tensor, ...]:
    """(R, C) and (R * C,) -> R rows of their sum, each (C, 1, 1, 1)."""
    return tuple((table + embedded.view_as(table))[..., None, None, None])


class ResBlock(nn.Module):
    """`x + conv2(norm(conv1(norm(x))))`; a conditioned one shifts and scales after each norm."""

    def __init__(self, channels: int, padding: Padding, causal: bool, conditioned: bool) -> None:
        super().__init__()
        self.conv1, self.conv2 = (Conv(channels, channels, padding, causal) for _ in range(2))
        if conditioned:
            self.scale_shift_table = nn.Parameter(torch.empty(4, channels))

    def forward(self, x: Tensor, embedded: Tensor | None = None) -> Tensor:
        """(B, C, F, H, W) -> the same; `embedded` (4 * C,)."""
        rows = () if embedded is None else modulation_rows(self.scale_shift_table, embedded)
        hidden: Tensor = self.conv1(normalized(x, rows[:2]))
        hidden = self.conv2(normalized(hidden, rows[2:]))
        return hidden.add_(x)


class ResStage(nn.Module):
    """Residual blocks of one width."""

    def __init__(self, channels: int, layers: int, padding: Padding, causal: bool, conditioned: bool) -> None:
        super().__init__()
        if conditioned:
            self.time_embedder = TimeEmbedder(4 * channels)
        self.res_blocks = nn.ModuleList(
            ResBlock(channels, padding, causal, conditioned) for _ in range(layers)
        )

    def forward(self, x: Tensor, level: Tensor | None = None) -> Tensor:
        """(B, C, F, H, W) -> the same; `level` (1,) is what a conditioned stage embeds."""
        embedded = None if level is None else self.time_embedder(level)
        for block in self.res_blocks:
            x = block(x, embedded)
        return x


def space_to_depth(x: Tensor, strides: Strides) -> Tensor:
    """(B, C, F*p, H*q, W*r) -> (B, C*p*q*r, F, H, W); channel ((c*p + i)*q + j)*r + k."""
    p, q, r = strides
    batch, channels, frames, rows, columns = x.shape
    x = x.reshape(batch, channels, frames // p, p, rows // q, q, columns // r, r)
    return x.permute(0, 1, 3, 5, 7, 2, 4, 6).flatten(1, 4)


def depth_to_space(x: Tensor, strides: Strides) -> Tensor:
    """Invert `space_to_depth`; with a factor 2 in time the first frame is dropped: 2F - 1 frames."""
    x = torch.unflatten(x, 1, (-1, *strides)).permute(0, 1, 5, 2, 6, 3, 7, 4)
    return x.flatten(6, 7).flatten(4, 5).flatten(2, 3)[:, :, strides[0] - 1 :]


class Downsample(nn.Module):
    """Halve axes by moving pixels into channels, with the grouped mean of the moved input as shortcut."""

    def __init__(self, inputs: int, multiplier: int, strides: Strides, padding: Padding) -> None:
        super().__init__()
        volume = math.prod(strides)
        self.strides, self.group = strides, volume // multiplier
        self.conv = Conv(inputs, inputs * multiplier // volume, padding, causal=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, F, H, W) -> (B, C * multiplier, (F + 1) / 2 where time is halved, H / q, W / r)."""
        if self.strides[0] == 2:
            x = torch.cat((x[:, :, :1], x), dim=2)
        out = space_to_depth(self.conv(x), self.strides)
        shortcut = torch.unflatten(space_to_depth(x, self.strides), 1, (-1, self.group))
        return out.add_(shortcut.mean(2))


class Upsample(nn.Module):
    """Double axes by moving channels into pixels; a residual one adds the moved input, repeated."""

    def __init__(
        self, inputs: int, multiplier: int, strides: Strides, padding: Padding, causal: bool, residual: bool
    ) -> None:
        super().__init__()
        volume = math.prod(strides)
        self.strides, self.residual, self.repeats = strides, residual, volume // multiplier
        self.conv = Conv(inputs, inputs * volume // multiplier, padding, causal)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, F, H, W) -> (B, C / multiplier, 2F - 1 where time is doubled, H * q, W * r)."""
        out = depth_to_space(self.conv(x), self.strides)
        if self.residual:
            # The moved input repeats as a whole along the channels, not channel by channel.
            copies = torch.unflatten(out, 1, (self.repeats, -1))
            copies.add_(depth_to_space(x, self.strides)[:, None])
        return out


def encoder_block(block: VAEBlock, width: int, padding: Padding) -> tuple[nn.Module, int]:
    """Build one entry of the encoder's list; return it and the width it hands on."""
    if block.kind == "res_x":
        return ResStage(width, block.layers, padding, True, False), width
    strides, multiplier = _resampling("encoder", block, width)
    if not block.kind.endswith("_res"):
        # A plain strided convolution: its name in the file is the block's, and it ignores a multiplier.
        return Conv(width, width, padding, True, strides), width
    return Downsample(width, multiplier, strides, padding), width * multiplier


def decoder_block(
    block: VAEBlock, width: int, padding: Padding, causal: bool, conditioned: bool
) -> tuple[nn.Module, int]:
    """Build one entry of the decoder's list; return it and the width it hands on."""
    if block.kind == "res_x":
        return ResStage(width, block.layers, padding, causal, conditioned), width
    strides, multiplier = _resampling("decoder", block, width)
    return Upsample(width, multiplier, strides, padding, causal, block.residual), width // multiplier


def _resampling(side: str, block: VAEBlock, width: int) -> tuple[Strides, int]:
    known = [kind + end for kind in STRIDES for end in (("", "_res") if side == "encoder" else ("",))]
    if block.kind not in known:
        raise ValueError(f"vae.{side}_blocks has a {block.kind!r}; implemented: res_x, {', '.join(known)}.")
    strides = STRIDES[block.kind.removesuffix("_res")]
    volume, multiplier = math.prod(strides), block.multiplier or (2 if side == "encoder" else 1)
    part = volume // multiplier if side == "encoder" else volume if block.residual else multiplier
    if volume % multiplier or width % part:
        raise ValueError(
            f"vae.{side}_blocks: a {block.kind} of multiplier {multiplier} does not fit {width} channels."
        )
    return strides, multiplier


def total_strides(blocks: Sequence[VAEBlock], patch_size: int) -> Strides:
    """Return what one latent stands for: frames, pixel rows, pixel columns."""
    steps = [STRIDES.get(block.kind.removesuffix("_res"), (1, 1, 1)) for block in blocks]
    time, rows, columns = (math.prod(step[axis] for step in steps) for axis in range(3))
    return time, rows * patch_size, columns * patch_size
