"""The vocoder of LTX-2 (19B): HiFi-GAN, from a stereo log-mel spectrogram to a waveform.

Letters: B batch, T mel frames.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from dubkit.ltx.codec_config import GeneratorConfig, VocoderConfig

MEL_BINS = 64
"""Per side. No file states it: the first convolution has 128 inputs whatever the configuration says."""
SLOPE = 0.1
"""Of every leaky ReLU but the last."""
LAST_SLOPE = 0.01

Activation = Callable[[int], nn.Module]
"""Makes an activation for a number of channels."""


def leaky(_width: int = 0, slope: float = SLOPE) -> nn.LeakyReLU:
    return nn.LeakyReLU(slope)


class DilatedBlock(nn.Module):
    """Pairs of convolutions with a residual each, the first of a pair dilated, both after an activation."""

    def __init__(self, width: int, kernel: int, dilations: tuple[int, ...], activation: Activation) -> None:
        super().__init__()
        sizes = (width, width, kernel)
        self.convs1 = nn.ModuleList(nn.Conv1d(*sizes, padding="same", dilation=d) for d in dilations)
        self.convs2 = nn.ModuleList(nn.Conv1d(*sizes, padding="same") for _ in dilations)
        self.acts1 = nn.ModuleList(activation(width) for _ in dilations)
        self.acts2 = nn.ModuleList(activation(width) for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        parts = zip(self.acts1, self.convs1, self.acts2, self.convs2, strict=True)
        for before, dilated, between, plain in parts:
            x = x + plain(between(dilated(before(x))))
        return x


class Generator(nn.Module):
    """Transposed convolutions that raise the rate, each followed by the mean of residual blocks.

    `activation` makes the learned activation of 2.3, which has none before a transposed convolution;
    without it all are leaky ReLUs.

    Shapes: (B, 2, T, 64) -> (B, 2, T * product of rates)
    """

    def __init__(self, config: GeneratorConfig, activation: Activation | None = None) -> None:
        super().__init__()
        self.config = config
        stages, first = len(config.rates), config.initial_channels
        if len(config.kernels) != stages or len(config.block_kernels) != len(config.block_dilations):
            raise ValueError("The vocoder's lists of rates, kernels and dilations differ in length.")
        if first % 2**stages:
            raise ValueError(f"The vocoder's {first} first channels cannot be halved {stages} times.")
        widths = [first >> stage for stage in range(stages + 1)]
        self.conv_pre = nn.Conv1d(2 * MEL_BINS, first, 7, padding=3)
        self.ups = nn.ModuleList(
            nn.ConvTranspose1d(*sizes, padding=(sizes[2] - sizes[3]) // 2)
            for sizes in zip(widths[:-1], widths[1:], config.kernels, config.rates, strict=True)
        )
        self.resblocks = nn.ModuleList(
            DilatedBlock(width, kernel, dilations, activation or leaky)
            for width in widths[1:]
            for kernel, dilations in zip(config.block_kernels, config.block_dilations, strict=True)
        )
        self.before_up = nn.Identity() if activation else leaky()
        self.act_post = activation(widths[-1]) if activation else leaky(slope=LAST_SLOPE)
        self.conv_post = nn.Conv1d(widths[-1], 2, 7, padding=3, bias=config.final_bias)

    def forward(self, mel: Tensor) -> Tensor:
        if mel.ndim != 4 or mel.shape[2] == 0 or mel.shape[1::2] != (2, MEL_BINS):
            takes = f"(batch, 2, frames, {MEL_BINS})"
            raise ValueError(f"The mel spectrogram has shape {tuple(mel.shape)}; the vocoder takes {takes}.")
        x = self.conv_pre(mel.to(self.conv_pre.weight.dtype).transpose(2, 3).flatten(1, 2))
        count = len(self.config.block_kernels)
        for stage, up in enumerate(self.ups):
            x = up(self.before_up(x))
            branches = [block(x) for block in self.resblocks[count * stage : count * (stage + 1)]]
            x = sum(branches[1:], start=branches[0]) / count
        wave: Tensor = self.conv_post(self.act_post(x))
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
