"""The vocoder of LTX-2.3: a BigVGAN generator at 16 kHz and a second one that extends the band to 48 kHz.

Letters: B batch, T mel frames, N samples at the lower rate, K channels.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dubkit.ltx.codec_config import VocoderConfig
from dubkit.ltx.mel import LOG_FLOOR, resample
from dubkit.ltx.vocoder import Generator, Vocoder

TAPS = 12
"""Of the low-pass filters around an activation; the files hold the taps, a Kaiser-windowed sinc."""


class StoredTensors(nn.Module):
    """Constant tensors that the file holds, by name and shape."""

    def __init__(self, **shapes: tuple[int, ...]) -> None:
        super().__init__()
        for name, shape in shapes.items():
            self.register_buffer(name, torch.empty(shape))


class SnakeBeta(nn.Module):
    """x + sin²(a x) / b, with a frequency a and an amplitude 1 / b per channel, stored as logarithms."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(width))
        self.beta = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        alpha, beta = self.alpha.exp()[:, None], self.beta.exp()[:, None]
        return x + (x * alpha).sin().square() / (beta + 1e-9)


class AliasFree(nn.Module):
    """Snake-beta at twice the rate, so that the harmonics it adds do not fold back into the band.

    Shapes: (B, K, N) -> (B, K, N)
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.act = SnakeBeta(width)
        self.upsample = StoredTensors(filter=(1, 1, TAPS))
        self.downsample = nn.ModuleDict({"lowpass": StoredTensors(filter=(1, 1, TAPS))})

    def forward(self, x: Tensor) -> Tensor:
        width, half = x.shape[1], TAPS // 2
        rise = self.get_buffer("upsample.filter").expand(width, -1, -1) * 2  # every second sample is zero
        fall = self.get_buffer("downsample.lowpass.filter").expand(width, -1, -1)
        x = F.pad(x, (half - 1, half - 1), mode="replicate")
        x = F.conv_transpose1d(x, rise, stride=2, padding=3 * (half - 1), groups=width)
        x = F.pad(self.act(x), (half - 1, half), mode="replicate")
        return F.conv1d(x, fall, stride=2, groups=width)


class CausalMel(nn.Module):
    """Log-mel spectrogram of the lower band, whose frames end with their own hop.

    The Fourier basis, windowed cosines and then sines, is the file's; its inverse is stored and not used.

    Shapes: (B, 2, N) -> (B, 2, N / hop, M)
    """

    def __init__(self, bins: int, fft_size: int, hop: int) -> None:
        super().__init__()
        self.hop, bands = hop, fft_size // 2 + 1
        basis = (2 * bands, 1, fft_size)
        self.register_buffer("mel_basis", torch.empty(bins, bands))
        self.stft_fn = StoredTensors(forward_basis=basis, inverse_basis=basis)

    def forward(self, wave: Tensor) -> Tensor:
        basis = self.get_buffer("stft_fn.forward_basis")
        past = F.pad(wave.flatten(0, 1)[:, None], (basis.shape[2] - self.hop, 0))
        cosines, sines = F.conv1d(past, basis, stride=self.hop).chunk(2, dim=1)
        mel = self.get_buffer("mel_basis") @ (cosines.square() + sines.square()).sqrt()
        return mel.clamp(min=LOG_FLOOR).log().transpose(1, 2).reshape(*wave.shape[:2], -1, mel.shape[1])


class ExtendedVocoder(nn.Module):
    """Turn a stereo log-mel spectrogram into a waveform at `sample_rate` Hz, 48 kHz as published.

    Load it in float32: in bfloat16 the rounding adds up over some hundred convolutions. It agrees with
    ltx-core 1.0.0 on random weights. The main generator always ends in tanh or a clamp, as there; diffusers'
    conversion leaves both out, and which suits the published weights has not been tested.

    Shapes: (B, 2, T, 64) -> (B, 2, T * product of the main rates * sample_rate / input rate)
    """

    def __init__(self, config: VocoderConfig) -> None:
        super().__init__()
        self.input_rate, self.sample_rate, self.hop = config.input_rate, config.output_rate, config.hop
        if config.extension is None:
            raise ValueError("This vocoder has no bandwidth extension: use open_vocoder.")
        self.vocoder = Generator(config.main, AliasFree)
        self.bwe_generator = Generator(config.extension, AliasFree)
        self.mel_stft = CausalMel(config.mel_bins, config.fft_size, config.hop)

    def forward(self, mel: Tensor) -> Tensor:
        low: Tensor = self.vocoder(mel)
        length = low.shape[2] * self.sample_rate // self.input_rate
        low = F.pad(low, (0, -low.shape[2] % self.hop))
        plain = resample(low, self.input_rate, self.sample_rate, edges="replicate").to(low.dtype)
        added: Tensor = self.bwe_generator(self.mel_stft(low))
        return (plain + added).clamp(-1, 1)[..., :length]


def open_vocoder(config: VocoderConfig) -> Vocoder | ExtendedVocoder:
    """Build the vocoder that a checkpoint's configuration describes: 19B's or 2.3's."""
    return ExtendedVocoder(config) if config.extension else Vocoder(config)
