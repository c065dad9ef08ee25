"""Text features: all hidden states of the language model, normalised and projected to the text width.

B prompts, T tokens, W width of the language model, L its hidden states (layers + 1). A mask is [B, T],
true for the prompt's own tokens; rows of padding come out of the normalisation as zeros.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from dubkit.ltx.config import TextConfig

EPS = 1e-6


def normalize_range(hidden: Tensor, mask: Tensor) -> Tensor:
    """Scale each layer by the range of its values over the prompt (V1): [B, T, W, L] -> [B, T, W L].

    The flat index is feature x L + layer. The sum is taken in the dtype of `hidden`, the rest and the
    result are at least float32, as in the original; float32 sums of bfloat16 differ visibly.
    """
    valid = _valid(hidden, mask)
    count = valid.sum((1, 2), keepdim=True) * hidden.shape[2]
    mean = hidden.masked_fill(~valid, 0.0).sum((1, 2), keepdim=True) / (count + EPS)
    low = hidden.masked_fill(~valid, math.inf).amin((1, 2), keepdim=True)
    high = hidden.masked_fill(~valid, -math.inf).amax((1, 2), keepdim=True)
    return (8 * (hidden - mean) / (high - low + EPS)).masked_fill(~valid, 0.0).flatten(2)


def normalize_rms(hidden: Tensor, mask: Tensor) -> Tensor:
    """Divide each token of each layer by its root mean square (V2): [B, T, W, L] -> [B, T, W L].

    The flat index is feature x L + layer. Everything is in the dtype of `hidden`.
    """
    normed = hidden * torch.rsqrt(hidden.square().mean(2, keepdim=True) + EPS)
    return normed.masked_fill(~_valid(hidden, mask), 0.0).flatten(2)


def _valid(hidden: Tensor, mask: Tensor) -> Tensor:
    if hidden.ndim != 4 or mask.shape != hidden.shape[:2]:
        shapes = f"{tuple(hidden.shape)} with a mask {tuple(mask.shape)}"
        raise ValueError(f"Hidden states are {shapes}; expected [B, T, width, layers + 1] and [B, T].")
    return mask.bool()[:, :, None, None]


class FeaturesV1(nn.Module):
    """One projection for picture and sound (LTX-2, 19B)."""

    def __init__(self, hidden_size: int, hidden_states: int, width: int) -> None:
        super().__init__()
        self.aggregate_embed = nn.Linear(hidden_size * hidden_states, width, bias=False)

    def forward(self, hidden: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return the video and audio features, the same [B, T, width], of [B, T, W, L] hidden states."""
        features = self.aggregate_embed(normalize_range(hidden, mask).to(hidden.dtype))
        return features, features


class FeaturesV2(nn.Module):
    """A projection each for picture and sound (LTX-2.3). Rows of padding come out as the bias."""

    def __init__(self, hidden_size: int, hidden_states: int, video_width: int, audio_width: int) -> None:
        super().__init__()
        self.video_aggregate_embed = nn.Linear(hidden_size * hidden_states, video_width)
        self.audio_aggregate_embed = nn.Linear(hidden_size * hidden_states, audio_width)

    def forward(self, hidden: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return the video and audio features, [B, T, their widths], of [B, T, W, L] hidden states."""
        normed, width = normalize_rms(hidden, mask), hidden.shape[2]
        video, audio = (
            project(normed * math.sqrt(project.out_features / width))
            for project in (self.video_aggregate_embed, self.audio_aggregate_embed)
        )
        return video, audio


def build_features(config: TextConfig, hidden_size: int, hidden_states: int) -> FeaturesV1 | FeaturesV2:
    """Return a checkpoint's projection for a language model of this width and layers + 1."""
    if config.version == 1:
        return FeaturesV1(hidden_size, hidden_states, config.video.width)
    return FeaturesV2(hidden_size, hidden_states, config.video.width, config.audio.width)
