"""Transformers of any size with random weights, and random clips for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from dubkit.ltx.config import FIXED, read_transformer
from dubkit.ltx.latents import audio_positions, video_positions
from dubkit.ltx.transformer import AVTransformer


@dataclass(frozen=True, slots=True)
class Size:
    """A transformer and a clip for it."""

    name: str
    layers: int
    heads: int
    video_head_dim: int
    audio_head_dim: int
    channels: int
    text: int
    """Text tokens."""
    grid: tuple[int, int, int]
    """Latent frames, rows, columns of one video."""
    sounds: int
    """Latents of one sound."""

    def published(self, *, newer: bool = False) -> dict[str, Any]:
        """Return the configuration as a checkpoint states it; `newer` is a 2.3-like one."""
        values: dict[str, Any] = {
            **FIXED,
            "num_layers": self.layers,
            "num_attention_heads": self.heads,
            "attention_head_dim": self.video_head_dim,
            "audio_num_attention_heads": self.heads,
            "audio_attention_head_dim": self.audio_head_dim,
            "in_channels": self.channels,
            "out_channels": self.channels,
            "audio_in_channels": self.channels,
            "audio_out_channels": self.channels,
            "cross_attention_dim": self.heads * self.video_head_dim,
            "audio_cross_attention_dim": self.heads * self.audio_head_dim,
            "caption_channels": self.heads * self.video_head_dim,
            "norm_eps": 1e-6,
            "positional_embedding_theta": 10000.0,
            "positional_embedding_max_pos": [20, 2048, 2048],
            "audio_positional_embedding_max_pos": [20],
            "timestep_scale_multiplier": 1000,
            "av_ca_timestep_scale_multiplier": 1000.0,
            "rope_type": "split",
            "frequencies_precision": "float64",
            "causal_temporal_positioning": True,
            "attention_type": "pytorch",
        }
        if newer:
            values |= {
                "apply_gated_attention": True,
                "cross_attention_adaln": True,
                "caption_proj_before_connector": True,
                "caption_projection_first_linear": False,
                "caption_projection_second_linear": False,
                "caption_proj_input_norm": False,
            }
        return {"transformer": values}


TINY = Size("tiny", 2, 2, 16, 8, 8, 16, (3, 2, 2), 5)
MEDIUM = Size("medium", 4, 8, 64, 32, 128, 256, (8, 8, 8), 50)
FULL = Size("19B", 48, 32, 128, 64, 128, 1024, (16, 16, 24), 122)


@dataclass(frozen=True, slots=True)
class Inputs:
    """Random tokens of a clip: a target whose first frame is kept, and a reference appended behind it."""

    video: Tensor
    audio: Tensor
    video_mask: Tensor
    """[T] 1 where a token is generated."""
    audio_mask: Tensor
    video_positions: Tensor
    audio_positions: Tensor
    video_text: Tensor
    audio_text: Tensor
    targets: tuple[tuple[int, int], tuple[int, int]]
    """Rows of picture and sound that see each other."""


def make_inputs(size: Size, seed: int = 0, *, newer: bool = False, references: bool = True) -> Inputs:
    """Draw the tokens of one clip."""
    draw = torch.Generator().manual_seed(seed)
    count, copies = size.grid[0] * size.grid[1] * size.grid[2], 2 if references else 1
    frame = size.grid[1] * size.grid[2]
    video_mask = torch.ones(count * copies)
    video_mask[count:] = 0
    if references:
        video_mask[:frame] = 0
    audio_mask = torch.ones(size.sounds * copies)
    audio_mask[size.sounds :] = 0
    text = [size.heads * size.video_head_dim] * 2
    if newer:
        text[1] = size.heads * size.audio_head_dim
    return Inputs(
        torch.randn(1, count * copies, size.channels, generator=draw),
        torch.randn(1, size.sounds * copies, size.channels, generator=draw),
        video_mask,
        audio_mask,
        torch.cat([video_positions(*size.grid, 25)] * copies, dim=2),
        torch.cat([audio_positions(size.sounds)] * copies, dim=2),
        torch.randn(1, size.text, text[0], generator=draw),
        torch.randn(1, size.text, text[1], generator=draw),
        ((frame if references else 0, count), (0, size.sounds)),
    )


def fill(module: nn.Module, seed: int = 0) -> None:
    """Give every parameter random values, by sorted name: norms near 1, the rest about 1 / sqrt(fan-in)."""
    draw = torch.Generator().manual_seed(seed)
    for name, parameter in sorted(module.named_parameters()):
        values = torch.randn(parameter.shape, generator=draw)
        fan_in = parameter.shape[-1] if parameter.ndim > 1 else 100
        scaled = 1 + 0.1 * values if name.endswith("norm.weight") else values / fan_in**0.5
        parameter.data.copy_(scaled)
    module.requires_grad_(False)


def ours(size: Size, seed: int = 0, *, newer: bool = False) -> AVTransformer:
    """Return our transformer with random weights."""
    model = AVTransformer(read_transformer(size.published(newer=newer)))
    fill(model, seed)
    return model
