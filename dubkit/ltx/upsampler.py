"""The latent upsampler: twice the rows and columns, or twice the frames. All sizes count latents."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dubkit.ltx.codec_config import UpsamplerConfig
from dubkit.ltx.statistics import ChannelStatistics
from dubkit.ltx.video_layers import depth_to_space


class _ResBlock(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(channels, channels, 3, padding=1)
        self.norm1 = nn.GroupNorm(32, channels)
        self.conv2 = nn.Conv3d(channels, channels, 3, padding=1)
        self.norm2 = nn.GroupNorm(32, channels)

    def forward(self, x: Tensor) -> Tensor:
        hidden = F.silu(self.norm1(self.conv1(x)), inplace=True)
        return F.silu(self.norm2(self.conv2(hidden)).add_(x), inplace=True)


class _Rational(nn.Module):
    """The rational resampler at factor 2, which is 2 / 1: its blur has stride 1 and is left out."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 4 * channels, 3, padding=1)
        # In the file, and so in the module, though unused at this factor.
        self.blur_down = nn.Module()
        self.blur_down.register_buffer("kernel", torch.empty(1, 1, 5, 5))

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)  # type: ignore[no-any-return]


class LatentUpsampler(nn.Module):
    """Upsample latents that are *not* normalised; `upsample` takes normalised ones."""

    def __init__(self, config: UpsamplerConfig) -> None:
        super().__init__()
        scale = config.spatial_scale if config.spatial else 2
        if config.dims != 3 or config.spatial == config.temporal or scale != 2:
            raise ValueError(f"Only upsamplers that double space or time are implemented, not {config}.")
        self.config, width = config, config.mid_channels
        self.initial_conv = nn.Conv3d(config.in_channels, width, 3, padding=1)
        self.initial_norm = nn.GroupNorm(32, width)
        self.res_blocks = nn.ModuleList(_ResBlock(width) for _ in range(config.blocks))
        if config.temporal:
            self.upsampler: nn.Module = nn.Sequential(nn.Conv3d(width, 2 * width, 3, padding=1))
        elif config.rational:
            self.upsampler = _Rational(width)
        else:
            self.upsampler = nn.Sequential(nn.Conv2d(width, 4 * width, 3, padding=1))
        self.post_upsample_res_blocks = nn.ModuleList(_ResBlock(width) for _ in range(config.blocks))
        self.final_conv = nn.Conv3d(width, config.in_channels, 3, padding=1)

    @torch.no_grad()
    def forward(self, latent: Tensor) -> Tensor:
        """(B, C, F, H, W) -> (B, C, F, 2H, 2W), or (B, C, 2F - 1, H, W) where it doubles time.

        Raises:
            ValueError: other channels than the upsampler's.
        """
        if latent.ndim != 5 or latent.shape[1] != self.config.in_channels:
            raise ValueError(
                f"This upsampler takes (batch, {self.config.in_channels} channels, frames, rows, columns), "
                f"not {tuple(latent.shape)}; use the one that belongs to the checkpoint."
            )
        x = F.silu(self.initial_norm(self.initial_conv(latent)), inplace=True)
        for block in self.res_blocks:
            x = block(x)
        x = self._double(x)
        for block in self.post_upsample_res_blocks:
            x = block(x)
        return self.final_conv(x)  # type: ignore[no-any-return]

    def _double(self, x: Tensor) -> Tensor:
        if self.config.temporal:
            return depth_to_space(self.upsampler(x), (2, 1, 1))
        frames = self.upsampler(x.transpose(1, 2).flatten(0, 1))
        return torch.unflatten(F.pixel_shuffle(frames, 2), 0, (len(x), -1)).transpose(1, 2)


def upsample(latent: Tensor, model: LatentUpsampler, statistics: ChannelStatistics) -> Tensor:
    """Upsample normalised latents (B, C, F, H, W); `statistics` are those of the video autoencoder."""
    return statistics.normalize(model(statistics.un_normalize(latent)))
