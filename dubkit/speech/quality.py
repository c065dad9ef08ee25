"""How good speech sounds, as people would judge it: the network of the package distillmos, from its weights.

The package itself asks for torchaudio, which has no build for this torch; only its weights file is read.

Shapes: B windows of S samples at 16 kHz, F frequencies, T steps of 20 ms, features D.
"""

from __future__ import annotations

import math
import pickle
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from dubkit.errors import ModelDamaged
from dubkit.types import ASR_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SAMPLES = 122_880
"""Samples that the network hears at once (7.68 s); shorter sound is followed by silence."""
MOST_APART = 16_000
"""Samples between two windows of longer sound."""
HOP, WINDOW = 160, 320
CHANNELS = (2, 64, 64, 128, 256, 256, 256)
WIDTH, HEADS, LAYERS, STEPS = 200, 8, 7, 384
FEATURES = 1024
SLOPE = 0.1
"""Of what is below 0 after each convolution."""
COMPRESSION = 0.3
LEAST = 1e-12


class Spectrum(nn.Module):
    """Convolutions over the compressed complex spectrum.

    Shapes: (B, S) -> (B, D, T). Every layer but the first halves the frequencies, the last one the time.
    """

    def __init__(self) -> None:
        super().__init__()
        last = len(CHANNELS) - 2
        layers: list[nn.Module] = []
        for number, (taken, made) in enumerate(pairwise(CHANNELS)):
            stride = (2 if number else 1, 2 if number == last else 1)
            layers += [nn.Conv2d(taken, made, (3, 3), stride=stride, padding=(0, 1)), nn.LeakyReLU(SLOPE)]
        self.cnn = nn.Sequential(*layers)

    def forward(self, sound: Tensor) -> Tensor:
        beside = (WINDOW - HOP) // 2
        padded = functional.pad(sound, (beside, beside), mode="reflect")
        window = torch.hann_window(WINDOW, device=sound.device)
        spectrum = torch.stft(padded, WINDOW, HOP, window=window, center=False, return_complex=True)
        size = spectrum.abs().clamp_min(LEAST)
        parts = torch.view_as_real(spectrum * (size**COMPRESSION / size))  # (B, F, T, 2)
        features: Tensor = self.cnn(parts.permute(0, 3, 1, 2))
        return features.flatten(1, 2)


class Places(nn.Module):
    """Adds the place of each step; its table comes with the weights."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("pe", torch.zeros(1, STEPS, WIDTH))

    def forward(self, features: Tensor) -> Tensor:
        return features + self.get_buffer("pe")


class Context(nn.Module):
    """Hears every step in the light of all others. Shapes: (B, T, D) -> (B, T, WIDTH)."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(FEATURES)
        self.position_encoding = Places()
        self.linear_proj = nn.Linear(FEATURES, WIDTH)
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 2 * WIDTH, dropout=0.0, batch_first=True)
        self.transformer_encoder = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)

    def forward(self, features: Tensor) -> Tensor:
        narrow = self.linear_proj(_over_features(self.norm, features))
        heard: Tensor = self.transformer_encoder(self.position_encoding(narrow))
        return heard


class Pool(nn.Module):
    """Weighs the steps and sums them up. Shapes: (B, T, WIDTH) -> (B,)."""

    def __init__(self) -> None:
        super().__init__()
        self.linear1 = nn.Linear(WIDTH, 2 * WIDTH)
        self.linear2 = nn.Linear(2 * WIDTH, 1)
        self.linear3 = nn.Linear(WIDTH, 1)

    def forward(self, features: Tensor) -> Tensor:
        weight = self.linear2(functional.relu(self.linear1(features))).softmax(dim=1)  # (B, T, 1)
        pooled: Tensor = self.linear3((weight * features).sum(dim=1))
        return pooled.squeeze(1)


class Judge(nn.Module):
    """From features to a share of the scale. Shapes: (B, T, D) -> (B,)."""

    def __init__(self) -> None:
        super().__init__()
        self.norm_input = nn.BatchNorm1d(FEATURES)
        self.transformer = Context()
        self.norm_trans = nn.BatchNorm1d(WIDTH)
        self.pool = Pool()

    def forward(self, features: Tensor) -> Tensor:
        heard = self.transformer(_over_features(self.norm_input, features))
        share: Tensor = self.pool(_over_features(self.norm_trans, heard)).sigmoid()
        return share


def _over_features(norm: nn.BatchNorm1d, steps: Tensor) -> Tensor:
    """Apply a norm of features to (B, T, D) steps."""
    normed: Tensor = norm(steps.transpose(1, 2))
    return normed.transpose(1, 2)


class SpeechQuality(nn.Module):
    """Says how good speech sounds, from 1 (bad) to 5 (excellent)."""

    def __init__(self) -> None:
        super().__init__()
        self.cnn = Spectrum()
        self.transformer_pool_attn = Judge()

    def forward(self, windows: Tensor) -> Tensor:
        """Return (B,) scores of (B, S) windows at any level."""
        highest = windows.abs().amax(dim=1, keepdim=True)
        features = self.cnn(windows / (highest + 1e-8)).transpose(1, 2)
        scores: Tensor = 1 + 4 * self.transformer_pool_attn(features)
        return scores

    @torch.inference_mode()
    def score(self, audio: NDArray[np.float32]) -> float:
        """Return the score of (N,) speech at 16 kHz, the mean over windows that are a second apart."""
        return float(self(_windows(torch.from_numpy(audio))).mean())


def _windows(audio: Tensor) -> Tensor:
    """Return (B, S) windows of (N,) sound, evenly from its start to its end."""
    spare = len(audio) - SAMPLES
    if spare <= 0:
        return functional.pad(audio, (0, -spare))[None]
    count = math.ceil(spare / MOST_APART) + 1
    starts = [int(place * spare) for place in torch.linspace(0, 1, count, dtype=torch.float64).tolist()]
    return torch.stack([audio[start : start + SAMPLES] for start in starts])


def open_quality(weights: Path) -> SpeechQuality:
    """Load the network from `distill_mos_v7.pt`. Raises ModelDamaged for another file."""
    network = SpeechQuality()
    try:
        state = torch.load(weights, map_location="cpu", weights_only=True)["model"]
        network.load_state_dict(state)
    except (pickle.UnpicklingError, RuntimeError, KeyError, TypeError, ValueError, EOFError) as error:
        raise ModelDamaged(
            f"{weights}: these are not the weights of distillmos ({type(error).__name__}).\n"
            "Delete the file and install the package again."
        ) from error
    return network.eval()


def at_16k(samples: NDArray[np.floating], rate: int) -> NDArray[np.float32]:
    """Return (N,) sound at 16 kHz."""
    import numpy as np
    from scipy.signal import resample_poly  # type: ignore[import-untyped]

    shared = math.gcd(rate, ASR_RATE)
    return np.asarray(resample_poly(samples, ASR_RATE // shared, rate // shared), np.float32)
