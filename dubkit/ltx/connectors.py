"""The small transformers between text features and the main transformer, one for picture, one for sound.

B prompts, T text positions, D width of the connector.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dubkit.ltx.attention import Attention, FeedForward, rms
from dubkit.ltx.config import ConnectorConfig
from dubkit.ltx.rope import RopeSpec, Rotation

EPS = 1e-6


def fill_with_registers(features: Tensor, mask: Tensor, registers: Tensor) -> Tensor:
    """Move the prompts' own rows of [B, T, D] to the front, in order, and put registers [R, D] behind.

    The mask [B, T] is true for own rows, wherever they are. Position i behind them holds register i mod R,
    counted from position 0, not from the prompt's end. ValueError: T is not a multiple of R.
    """
    length, count = features.shape[1], registers.shape[0]
    if mask.shape != features.shape[:2]:
        raise ValueError(f"The text mask is {tuple(mask.shape)}; features are {tuple(features.shape)}.")
    if length % count:
        missing = f"pad it to {length + count - length % count}"
        raise ValueError(f"The text has {length} positions, no multiple of {count} registers; {missing}.")
    valid = mask.bool()
    order = torch.argsort(~valid, dim=1, stable=True)
    front = features.take_along_dim(order.unsqueeze(-1), dim=1)
    own = torch.arange(length, device=features.device) < valid.sum(1, keepdim=True)  # (B, T)
    return torch.where(own.unsqueeze(-1), front, registers.to(features.dtype).repeat(length // count, 1))


class ConnectorBlock(nn.Module):
    """Self-attention and feed-forward, each behind an RMS norm without weight."""

    def __init__(self, config: ConnectorConfig) -> None:
        super().__init__()
        width = config.width
        self.attn1 = Attention(width, width, config.heads, config.head_dim, EPS, config.gated_attention)
        self.ff = FeedForward(width)

    def forward(self, x: Tensor, rotation: Rotation) -> Tensor:
        """Return [B, T, D]."""
        x = x + self.attn1(rms(x, EPS), rotation=rotation)
        x = x + self.ff(rms(x, EPS))
        return x


class Connector(nn.Module):
    """Mixes the text features of a prompt with learned registers that stand in for its padding."""

    def __init__(self, config: ConnectorConfig) -> None:
        super().__init__()
        sizes, tops = (config.heads, config.head_dim), (config.max_position,)
        self.rope = RopeSpec(*sizes, tops, config.theta, config.rope, config.float64_grid)
        self.learnable_registers = nn.Parameter(torch.zeros(config.registers, config.width))
        self.transformer_1d_blocks = nn.ModuleList(ConnectorBlock(config) for _ in range(config.layers))

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """Return the text context [B, T, D] of features [B, T, D] and a mask [B, T] of the prompt's rows.

        There is no mask from here on, in the connector or behind it: registers attend and are attended.
        """
        x = fill_with_registers(features, mask, self.learnable_registers)
        positions = torch.arange(x.shape[1], dtype=torch.float32, device=x.device)
        rotation = self.rope.tables(positions[None, None], x.dtype)
        for block in self.transformer_1d_blocks:
            x = block(x, rotation)
        return rms(x, EPS)
