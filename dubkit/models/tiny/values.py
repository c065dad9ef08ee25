"""Random values with which a tiny network behaves like a trained one: finite, and not constant."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    Values = NDArray[np.float32]
    Draw = Callable[[], Values]

MEL_RATE = 16_000
"""Hz of the waveform from which the 2.3 vocoder's second generator takes its spectrogram."""


def random_tensor(seed: str, key: str, shape: tuple[int, ...]) -> Tensor:
    """Return the bfloat16 tensor of a key: the same for the same `seed` and key.

    Weights are scaled by the square root of their inputs, norms lie near 1, biases and tables are not zero,
    so that a layer that is skipped or applied twice shows.
    """
    import numpy as np
    import torch

    stream = np.random.default_rng(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "little"))

    def normal() -> Values:
        return stream.standard_normal(shape, dtype=np.float32)

    values = np.ascontiguousarray(_values(key, shape, normal), dtype=np.float32)
    return torch.from_numpy(values).to(torch.bfloat16)


def _values(key: str, shape: tuple[int, ...], normal: Draw) -> Values:
    import numpy as np

    fixed = _filters(key, shape)
    if fixed is not None:
        return fixed
    name = key.rpartition(".")[2]
    if name == "std-of-means":
        positive: Values = np.exp(normal() * 0.2)  # latents are divided by it
        return positive
    if "learnable_registers" in key or name == "probe":
        return normal()
    if "scale_shift_table" in name or name in ("alpha", "beta", "mean-of-means"):
        return normal() * 0.2
    if "bias" in name:
        return normal() * 0.05
    if key.endswith(".lora_B.weight"):
        return normal() * 0.2 / math.sqrt(shape[1])
    if len(shape) == 1:
        # The text encoder stores its norms' weights as differences from 1.
        return normal() * 0.1 + (0.0 if key.startswith("language_model.") else 1.0)
    if "ups." in key:  # transposed: inputs first
        return normal() / math.sqrt(shape[0] * shape[2] / 2)
    return normal() / math.sqrt(math.prod(shape[1:]))


def _filters(key: str, shape: tuple[int, ...]) -> Values | None:
    """Return the values of a tensor that is stored in files but computed, not trained; None for others."""
    import numpy as np

    values: NDArray[np.floating[Any]]
    if key.endswith("blur_down.kernel"):
        row = np.array([1, 4, 6, 4, 1], dtype=np.float32) / 16
        values = np.outer(row, row).reshape(shape)
    elif key.endswith(".filter"):  # low-pass at a quarter of the rate
        taps = shape[-1]
        at = np.arange(taps) - (taps - 1) / 2
        sinc = np.sinc(at / 2) * np.kaiser(taps, 4.66)
        values = np.broadcast_to(sinc / sinc.sum(), shape)
    elif key.endswith(".mel_basis"):
        from dubkit.ltx.mel import mel_filters

        mels, frequencies = shape
        values = mel_filters(mels, 2 * (frequencies - 1), MEL_RATE).numpy().T
    elif key.endswith(("forward_basis", "inverse_basis")):  # of a windowed Fourier transform
        size, bins = shape[-1], shape[0] // 2
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
        angles = 2 * np.pi * np.outer(np.arange(bins), np.arange(size)) / size
        waves = np.concatenate([np.cos(angles), -np.sin(angles)])
        values = (waves * window).reshape(shape)
    else:
        return None
    return values.astype(np.float32)
