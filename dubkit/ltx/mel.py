"""The mel front end: waveform to log-mel spectrogram, without torchaudio.

Letters: B batch, C sides (1 mono, 2 stereo), N samples, T mel frames, M mel bins.
All is float32, whatever the network's dtype: bfloat16 has too few digits for a spectrum.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

LOWPASS_WIDTH = 6  # zero crossings of the resampling filter on each side
ROLL_OFF = 0.99  # its cut-off as a share of the lower Nyquist frequency
LOG_FLOOR = 1e-5  # smallest mel magnitude before the logarithm: silence is -11.5


def sample_count(frames: int, fps: Fraction, rate: int) -> int:
    """Return the samples that last as long as `frames` pictures, rounded down, without float error.

    >>> sample_count(121, Fraction(25), 16000)
    77440
    """
    if frames < 0 or fps <= 0 or rate <= 0:
        raise ValueError(
            f"No sample count for {frames} frames at {fps} fps and {rate} Hz: use positive values."
        )
    return int(frames * rate / Fraction(fps))


def fit(wave: Tensor, samples: int) -> Tensor:
    """Cut the end of a waveform (..., N) or pad it with silence to exactly `samples`."""
    return F.pad(wave[..., :samples], (0, max(0, samples - wave.shape[-1])))


def resample(
    wave: Tensor, from_rate: int, to_rate: int, *, edges: Literal["constant", "replicate"] = "constant"
) -> Tensor:
    """Change the sampling rate of (..., N) to (..., ceil(N * to_rate / from_rate)), in float32.

    The filter is a Hann-windowed sinc of width 6 and roll-off 0.99. Beyond its `edges` the sound is silence
    (constant) or its outermost sample (replicate).
    """
    if from_rate <= 0 or to_rate <= 0:
        raise ValueError(f"Cannot resample from {from_rate} Hz to {to_rate} Hz: both rates must be positive.")
    wave = _float_samples(wave)
    common = math.gcd(from_rate, to_rate)
    old, new = from_rate // common, to_rate // common
    if old == new:
        return wave
    cutoff = min(old, new) * ROLL_OFF
    width = math.ceil(LOWPASS_WIDTH * old / cutoff)
    # Row p of the kernel makes the samples p, p + new, ...: it is the filter moved by p / new. In float32, as
    # when the network was trained: exact angles move the mel spectrogram of 44.1 kHz sound by 2e-4.
    phase = torch.arange(0, -new, -1, device=wave.device, dtype=torch.float32)[:, None] / new
    tap = torch.arange(-width, width + old, device=wave.device, dtype=torch.float32) / old
    crossing = ((phase + tap) * cutoff).clamp(-LOWPASS_WIDTH, LOWPASS_WIDTH)
    window = (crossing * (math.pi / LOWPASS_WIDTH / 2)).cos().square()
    kernel = torch.sinc(crossing) * window * (cutoff / old)
    rows = F.pad(wave.reshape(-1, 1, wave.shape[-1]), (width, width + old), mode=edges)
    made = F.conv1d(rows, kernel[:, None], stride=old).transpose(1, 2).reshape(*wave.shape[:-1], -1)
    return made[..., : -(-new * wave.shape[-1] // old)]


def mel_filters(bins: int, fft_size: int, rate: int) -> Tensor:
    """Return the Slaney filter bank (fft_size // 2 + 1, bins), 0 Hz to half the rate, each of unit area."""
    top, step = rate / 2, math.log(6.4) / 27
    # The Slaney scale is linear up to 1 kHz, which is 15 mel; above, 27 mel are a factor of 6.4.
    mel_top = top * 3 / 200 if top < 1000 else 15 + math.log(top / 1000) / step
    mels = torch.linspace(0, mel_top, bins + 2, dtype=torch.float64)
    edges = torch.where(mels < 15, mels * (200 / 3), 1000 * torch.exp(step * (mels - 15)))
    bands = torch.linspace(0, top, fft_size // 2 + 1, dtype=torch.float64)[:, None]
    rising = (bands - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bands) / (edges[2:] - edges[1:-1])
    triangles = torch.minimum(rising, falling).clamp(min=0)
    return (triangles * (2 / (edges[2:] - edges[:-2]))).float()


def log_mel(
    wave: Tensor, *, rate: int = 16000, bins: int = 64, fft_size: int = 1024, hop: int = 160
) -> Tensor:
    """Return the natural logarithm of the mel magnitudes, in float32.

    `wave` is sampled at `rate`; use `resample` first. Frames are centred, so T = N // hop + 1, and edges
    are mirrored, so that N must be above fft_size // 2.

    Shapes: (B, C, N) -> (B, C, T, M)
    """
    if wave.ndim != 3 or wave.shape[1] not in (1, 2):
        takes = "(batch, 1 or 2 channels, samples)"
        raise ValueError(f"The waveform has shape {tuple(wave.shape)}; a mel spectrogram takes {takes}.")
    wave = _float_samples(wave)
    if wave.shape[2] <= fft_size // 2:
        need = f"a mel spectrogram needs at least {fft_size // 2 + 1}. Append silence first"
        raise ValueError(f"The sound has {wave.shape[2]} samples at {rate} Hz; {need}.")
    window = torch.hann_window(fft_size, device=wave.device)
    spectrum = torch.stft(
        wave.flatten(0, 1), fft_size, hop, window=window, center=True, pad_mode="reflect", return_complex=True
    )
    mel = spectrum.abs().transpose(1, 2) @ mel_filters(bins, fft_size, rate).to(wave.device)
    return mel.clamp(min=LOG_FLOOR).log().view(*wave.shape[:2], -1, bins)


def _float_samples(wave: Tensor) -> Tensor:
    if not wave.is_floating_point():
        raise ValueError(f"The waveform has integer samples ({wave.dtype}); scale them to floats in -1...1.")
    if wave.shape[-1] == 0:
        raise ValueError(f"The waveform has no samples (shape {tuple(wave.shape)}).")
    return wave.float()
