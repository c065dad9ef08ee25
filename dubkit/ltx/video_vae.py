"""The video autoencoder: pixels to latents, each for 32 x 32 pixels of 8 frames, and back.

Letters: B batch, C latent channels, F = 8k + 1 frames, H rows, W columns; F' = k + 1, H' = H / 32 and
W' = W / 32 count latents. The factors are those of the released files; they follow from the blocks.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dubkit.ltx.codec_config import Padding, VideoVAEConfig
from dubkit.ltx.statistics import ChannelStatistics
from dubkit.ltx.video_layers import (
    Conv,
    ResStage,
    Strides,
    TimeEmbedder,
    decoder_block,
    encoder_block,
    modulation_rows,
    normalized,
    total_strides,
)

DECODE_LEVEL, DECODE_NOISE = 0.05, 0.025
"""The noise level that a conditioned decoder is told, and the share of noise mixed into its latent."""


class VideoEncoder(nn.Module):
    """Encode pixels causally: no latent depends on frames after its own, and the first frame stands alone."""

    def __init__(self, config: VideoVAEConfig) -> None:
        super().__init__()
        self.config, padding = config, config.encoder_padding
        self.strides = total_strides(config.encoder_blocks, config.patch_size)
        self.per_channel_statistics = ChannelStatistics(config.latent_channels)
        width = config.latent_channels
        self.conv_in = Conv(config.in_channels * config.patch_size**2, width, padding, causal=True)
        self.down_blocks = nn.ModuleList()
        for entry in config.encoder_blocks:
            block, width = encoder_block(entry, width, padding)
            self.down_blocks.append(block)
        # The last channel is a log-variance that every latent channel shares; nothing samples with it.
        self.conv_out = Conv(width, config.latent_channels + 1, padding, causal=True)

    @torch.no_grad()
    def forward(self, pixels: Tensor) -> Tensor:
        """Return normalised latents (B, C, F', H', W') of pixels (B, 3, F, H, W) in [-1, 1].

        Raises:
            ValueError: frames, rows or columns off the grid, or too few for the padding.
        """
        _check_latents(pixels, self.config.in_channels, self.config.encoder_padding, *self.strides[1:])
        check_size(pixels, self.strides)
        hidden = self.conv_in(patchify(pixels, self.config.patch_size))
        for block in self.down_blocks:
            hidden = block(hidden)
        means = self.conv_out(normalized(hidden))[:, : self.config.latent_channels]
        return self.per_channel_statistics.normalize(means)


class VideoDecoder(nn.Module):
    """Decode latents to pixels; every latent frame after the first becomes eight frames."""

    def __init__(self, config: VideoVAEConfig) -> None:
        super().__init__()
        self.config, padding, causal = config, config.decoder_padding, config.causal_decoder
        self.strides = total_strides(config.decoder_blocks, config.patch_size)
        self.per_channel_statistics = ChannelStatistics(config.latent_channels)
        width = 8 * config.decoder_base_channels
        self.conv_in = Conv(config.latent_channels, width, padding, causal)
        self.up_blocks = nn.ModuleList()
        for entry in reversed(config.decoder_blocks):
            block, width = decoder_block(entry, width, padding, causal, config.timestep_conditioning)
            self.up_blocks.append(block)
        self.conv_out = Conv(width, config.out_channels * config.patch_size**2, padding, causal)
        if config.timestep_conditioning:
            self.timestep_scale_multiplier = nn.Parameter(torch.empty(()))
            self.last_time_embedder = TimeEmbedder(2 * width)
            self.last_scale_shift_table = nn.Parameter(torch.empty(2, width))

    @torch.no_grad()
    def forward(self, latent: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return pixels (B, 3, F, H, W), about [-1, 1], of normalised latents (B, C, F', H', W').

        Only a decoder with timestep conditioning draws noise, from `generator`.

        Raises:
            ValueError: other channels than the decoder's, or one latent row or column and reflect padding.
        """
        _check_latents(latent, self.config.latent_channels, self.config.decoder_padding)
        level, modulation = None, tuple[Tensor, ...]()
        if self.config.timestep_conditioning:
            noise = torch.randn(latent.shape, generator=generator, dtype=latent.dtype, device=latent.device)
            latent = DECODE_NOISE * noise + (1 - DECODE_NOISE) * latent
            level = latent.new_tensor([DECODE_LEVEL]) * self.timestep_scale_multiplier.to(latent)
            modulation = modulation_rows(self.last_scale_shift_table, self.last_time_embedder(level))
        hidden = self.conv_in(self.per_channel_statistics.un_normalize(latent))
        for block in self.up_blocks:
            hidden = block(hidden, level) if isinstance(block, ResStage) else block(hidden)
        return unpatchify(self.conv_out(normalized(hidden, modulation)), self.config.patch_size)


def patchify(pixels: Tensor, size: int) -> Tensor:
    """(B, C, F, H, W) -> (B, C * size**2, F, H / size, W / size): channel c, column, row."""
    batch, channels, frames, rows, columns = pixels.shape
    x = pixels.reshape(batch, channels, frames, rows // size, size, columns // size, size)
    return x.permute(0, 1, 6, 4, 2, 3, 5).flatten(1, 3)


def unpatchify(x: Tensor, size: int) -> Tensor:
    """Invert `patchify`."""
    x = torch.unflatten(x, 1, (-1, size, size)).permute(0, 1, 4, 5, 3, 6, 2)
    return x.flatten(5, 6).flatten(3, 4)


def to_uint8(pixels: Tensor) -> Tensor:
    """Return (B, F, H, W, 3) bytes of (B, 3, F, H, W) pixels in [-1, 1]: clamped and cut off, not rounded."""
    scaled = pixels.float().add(1).div_(2).clamp_(0, 1).mul_(255)
    return scaled.to(torch.uint8).movedim(1, -1).contiguous()


def check_size(pixels: Tensor, strides: Strides) -> None:
    """Refuse pixels (B, 3, F, H, W) that are no whole number of latents; name the nearest sizes that are."""
    for name, size, stride in zip(("frames", "rows", "columns"), pixels.shape[2:], strides, strict=True):
        extra = 1 if name == "frames" else 0
        if size <= 0 or (size - extra) % stride:
            below = (size - extra) // stride * stride + extra
            near = " or ".join(str(n) for n in (below, below + stride) if n > 0)
            rule = f"a multiple of {stride}{' plus 1' if extra else ''}"
            raise ValueError(f"The video has {size} {name}; use {near} ({rule}).")


def _check_latents(x: Tensor, channels: int, padding: Padding, rows: int = 1, columns: int = 1) -> None:
    """Refuse `x` of other channels, or too small to mirror its edges; a latent is `rows` x `columns` of x."""
    if x.ndim != 5 or x.shape[1] != channels:
        expected = f"(batch, {channels} channels, frames, rows, columns)"
        raise ValueError(f"The video autoencoder takes {expected}, not {tuple(x.shape)}.")
    size = x.shape[3] // rows, x.shape[4] // columns
    if padding == "reflect" and min(size) < 2:
        raise ValueError(
            f"The video has {size[0]} x {size[1]} latent rows and columns, and this autoencoder mirrors the "
            "edges, which takes at least 2 of each. Use a larger picture or larger tiles."
        )
