"""The vocoder of LTX-2 (19B): HiFi-GAN, from a stereo log-mel spectrogram to a waveform.

Letters: B batch, T mel frames, N samples.
"""

from __future__ import annotations

from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from dubkit.ltx.codec_config import GeneratorConfig, VocoderConfig

MEL_BINS = 64
"""Per side. No file states it: the first convolution has 128 inputs whatever the configuration says."""
SLOPE = 0.1
"""Of every leaky ReLU but the last."""
LAST_SLOPE = 0.01


class ResidualBlock(nn.Module):
    """Pairs of convolutions with a residual each, the first of a pair dilated."""

    def __init__(self, width: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(
            nn.Conv1d(width, width, kernel, padding="same", dilation=d) for d in dilations
        )
        self.convs2 = nn.ModuleList(nn.Conv1d(width, width, kernel, padding="same") for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            x = x + plain(F.leaky_relu(dilated(F.leaky_relu(x, SLOPE)), SLOPE))
        return x


class Generator(nn.Module):
    """Transposed convolutions that raise the rate, each followed by the mean of residual blocks.

    Shapes: (B, 2, T, 64) -> (B, 2, T * product of rates)
    """

    block: ClassVar[type[nn.Module]] = ResidualBlock

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        stages = len(config.rates)
        if len(config.kernels) != stages or len(config.block_kernels) != len(config.block_dilations):
            raise ValueError("The vocoder's lists of rates, kernels and dilations differ in length.")
        if config.initial_channels % 2**stages:
            raise ValueError(
                f"The vocoder's {config.initial_channels} first channels cannot be halved {stages} times."
            )
        widths = [config.initial_channels >> stage for stage in range(stages + 1)]
        self.conv_pre = nn.Conv1d(2 * MEL_BINS, widths[0], 7, padding=3)
        self.ups = nn.ModuleList(
            nn.ConvTranspose1d(widths[i], widths[i + 1], kernel, rate, padding=(kernel - rate) // 2)
            for i, (rate, kernel) in enumerate(zip(config.rates, config.kernels, strict=True))
        )
        self.resblocks = nn.ModuleList(
            self.block(width, kernel, dilations)
            for width in widths[1:]
            for kernel, dilations in zip(config.block_kernels, config.block_dilations, strict=True)
        )
        self.conv_post = nn.Conv1d(widths[-1], 2, 7, padding=3, bias=config.final_bias)

    def before_up(self, x: Tensor) -> Tensor:
        return F.leaky_relu(x, SLOPE)

    def before_last(self, x: Tensor) -> Tensor:
        return F.leaky_relu(x, LAST_SLOPE)

    def forward(self, mel: Tensor) -> Tensor:
        if mel.ndim != 4 or mel.shape[2] == 0 or mel.shape[1::2] != (2, MEL_BINS):
            raise ValueError(
                f"The mel spectrogram has shape {tuple(mel.shape)}; the vocoder takes "
                f"(batch, 2, frames, {MEL_BINS})."
            )
        x = self.conv_pre(mel.to(self.conv_pre.weight.dtype).transpose(2, 3).flatten(1, 2))
        count = len(self.config.block_kernels)
        for stage, up in enumerate(self.ups):
            x = up(self.before_up(x))
            branches = [block(x) for block in self.resblocks[count * stage : count * (stage + 1)]]
            x = sum(branches[1:], start=branches[0]) / count
        wave: Tensor = self.conv_post(self.before_last(x))
        if not self.config.final_activation:
            return wave
        return wave.tanh() if self.config.final_tanh else wave.clamp(-1, 1)


class Vocoder(Generator):
    """Turn a stereo log-mel spectrogram into a waveform at `sample_rate` Hz: 240 samples a frame, 24 kHz."""

    def __init__(self, config: VocoderConfig) -> None:
        if config.extension or config.main.snake:
            raise ValueError("This is the configuration of LTX-2.3's vocoder: use open_vocoder.")
        super().__init__(config.main)
        self.sample_rate = config.output_rate
