"""The audio autoencoder: stereo log-mel spectrogram to latent and back.

Convolutions over time and frequency that never look ahead in time. Letters: B batch, K channels inside,
T mel frames, M mel bins, C latent channels, t latent frames, m latent bins (M / 4).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from dubkit.ltx.codec_config import AudioVAEConfig
from dubkit.ltx.mel import log_mel, resample
from dubkit.ltx.statistics import ChannelStatistics

NORM_EPS = 1e-6
"""Not the 1e-8 of the video autoencoder."""


def normed_silu(x: Tensor) -> Tensor:
    """Divide by the root mean square over channels, then apply SiLU."""
    return F.silu(x * (x.square().mean(dim=1, keepdim=True) + NORM_EPS).rsqrt())


def causal_conv(inputs: int, outputs: int, kernel: int = 3) -> nn.Sequential:
    """Convolve (B, K, T, M) padded with zeros: on the past side of time, on both sides of frequency."""
    side = kernel // 2
    pad = nn.ZeroPad2d((side, side, kernel - 1, 0))
    return nn.Sequential(OrderedDict(pad=pad, conv=nn.Conv2d(inputs, outputs, kernel)))


def downsample(width: int) -> nn.Sequential:
    """Halve time, rounding up, and frequency, which is padded on the high side only."""
    pad = nn.ZeroPad2d((0, 1, 2, 0))
    return nn.Sequential(OrderedDict(pad=pad, conv=nn.Conv2d(width, width, 3, stride=2)))


class AudioUpsample(nn.Module):
    """Double frequency, and time but for its first frame, which stands for a single one.

    Shapes: (B, K, T, M) -> (B, K, 2 T - 1, 2 M)
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = causal_conv(width, width)

    def forward(self, x: Tensor) -> Tensor:
        doubled: Tensor = self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return doubled[:, :, 1:]


class ResidualBlock(nn.Module):
    """Two convolutions, each after a pixel norm, around a shortcut."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = causal_conv(inputs, outputs)
        self.conv2 = causal_conv(outputs, outputs)
        if inputs != outputs:
            self.nin_shortcut = causal_conv(inputs, outputs, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        hidden: Tensor = self.conv2(normed_silu(self.conv1(normed_silu(x))))
        return hidden + (self.nin_shortcut(x) if hasattr(self, "nin_shortcut") else x)


def level(inputs: int, width: int, blocks: int, **resize: nn.Module) -> nn.Sequential:
    """Chain residual blocks, of which the first changes the width, and what changes the resolution."""
    chain = [ResidualBlock(width if i else inputs, width) for i in range(blocks)]
    return nn.Sequential(OrderedDict(block=nn.Sequential(*chain), **resize))


class Codec(nn.Module):
    """What encoder and decoder share: sizes, and statistics for each pair of latent channel and bin."""

    def __init__(self, config: AudioVAEConfig) -> None:
        super().__init__()
        self.config = config
        self.widths = [config.channels * multiplier for multiplier in config.channel_multipliers]
        self.last = len(self.widths) - 1
        if config.mel_bins % 2**self.last:
            raise ValueError(f"audio_vae: {config.mel_bins} mel bins cannot be divided by {2**self.last}.")
        self.bins = config.mel_bins >> self.last
        self.per_channel_statistics = ChannelStatistics(config.latent_channels * self.bins)
        w = self.widths[-1]
        self.mid = nn.Sequential(OrderedDict(block_1=ResidualBlock(w, w), block_2=ResidualBlock(w, w)))

    def checked(self, x: Tensor, channels: tuple[int, ...], bins: int) -> Tensor:
        """Return x in the weights' dtype, or refuse its shape."""
        if x.ndim != 4 or x.shape[1] not in channels or x.shape[2] == 0 or x.shape[3] != bins:
            takes = f"(batch, {' or '.join(map(str, channels))}, frames, {bins})"
            raise ValueError(
                f"The {type(self).__name__}'s input has shape {tuple(x.shape)}; it takes {takes}."
            )
        return x.to(next(self.parameters()).dtype)

    def rescaled(self, latent: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
        """Apply the statistics, which run over bins within channels."""
        swapped = latent.transpose(2, 3)
        return change(swapped.flatten(1, 2)).view(swapped.shape).transpose(2, 3)


class AudioEncoder(Codec):
    """Encode a log-mel spectrogram as normalised latents, 25 frames a second; mono serves as both sides.

    Shapes: (B, 1 or 2, T, M) -> (B, C, ceil(T / 4), M / 4)
    """

    def __init__(self, config: AudioVAEConfig) -> None:
        super().__init__(config)
        w, blocks = self.widths, config.res_blocks
        self.conv_in = causal_conv(config.in_channels, w[0])
        self.down = nn.Sequential()
        for i in range(len(w)):
            resize = {"downsample": downsample(w[i])} if i < self.last else {}
            self.down.append(level(w[max(i - 1, 0)], w[i], blocks, **resize))
        self.conv_out = causal_conv(w[-1], 2 * config.latent_channels)

    def mel(self, wave: Tensor, rate: int) -> Tensor:
        """Return the float32 log-mel (B, 1 or 2, T, M) of a waveform (B, 1 or 2, N) sampled at `rate` Hz."""
        c = self.config
        wave = resample(wave, rate, c.sample_rate)
        return log_mel(wave, rate=c.sample_rate, bins=c.mel_bins, fft_size=c.fft_size, hop=c.hop)

    def forward(self, mel: Tensor) -> Tensor:
        sides = self.config.in_channels
        x = self.checked(mel, (1, sides), self.config.mel_bins).expand(-1, sides, -1, -1)
        moments = self.conv_out(normed_silu(self.mid(self.down(self.conv_in(x)))))
        means = moments[:, : self.config.latent_channels]  # the rest are log-variances, unused
        return self.rescaled(means, self.per_channel_statistics.normalize)


class AudioDecoder(Codec):
    """Decode normalised latents to a stereo log-mel spectrogram.

    Shapes: (B, C, t, m) -> (B, 2, 4 t - 3, 4 m)
    """

    def __init__(self, config: AudioVAEConfig) -> None:
        super().__init__(config)
        w, blocks = self.widths, config.res_blocks + 1  # one more than on the encoder's side
        self.conv_in = causal_conv(config.latent_channels, w[-1])
        # Numbered as the encoder's, from the finest, and applied from the end.
        self.up = nn.ModuleList()
        for i in range(len(w)):
            resize = {"upsample": AudioUpsample(w[i])} if i else {}
            self.up.append(level(w[min(i + 1, self.last)], w[i], blocks, **resize))
        self.conv_out = causal_conv(w[0], config.out_channels)

    def forward(self, latent: Tensor) -> Tensor:
        x = self.checked(latent, (self.config.latent_channels,), self.bins)
        x = self.mid(self.conv_in(self.rescaled(x, self.per_channel_statistics.un_normalize)))
        for part in reversed(self.up):
            x = part(x)
        mel: Tensor = self.conv_out(normed_silu(x))
        return mel
