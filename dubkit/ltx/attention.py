"""Attention and feed-forward layers, and the one entry to the attention kernels."""

from __future__ import annotations

import importlib.util
import math
from functools import cache
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dubkit.ltx.rope import Rotation

Kernel = Literal["auto", "flash3", "sdpa", "math"]


class KeysValues(NamedTuple):
    """Keys ready for scores, and values: [B, T, heads, head_dim] each."""

    keys: Tensor
    values: Tensor


def rms(x: Tensor, eps: float, weight: Tensor | None = None) -> Tensor:
    """Divide by the root mean square of the last axis (`eps` inside the root), then multiply by `weight`."""
    if _fused(x):
        return F.rms_norm(x, x.shape[-1:], weight, eps)
    zero, floor, root = _constants(x.shape[-1], eps)
    length = torch.hypot(torch.linalg.vector_norm(x, dim=-1, keepdim=True), floor)
    normed = torch.addcdiv(zero, x, length, value=root)
    return normed if weight is None else normed.mul_(weight)


def _fused(x: Tensor) -> bool:
    """Whether to take PyTorch's norm: one kernel on a GPU, and rounded once in half precision.

    For float32 on a CPU it has no kernel, and its decomposition writes the tensor three times.
    """
    return x.device.type != "cpu" or x.dtype != torch.float32


@cache
def _constants(width: int, eps: float) -> tuple[Tensor, Tensor, float]:
    return torch.zeros(()), torch.tensor(math.sqrt(width * eps)), math.sqrt(width)


@cache
def flash3_available() -> bool:
    """Whether FlashAttention-3 is installed; it needs a Hopper GPU and takes no masks."""
    return importlib.util.find_spec("flash_attn_interface") is not None


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, kernel: Kernel = "auto") -> Tensor:
    """Attend with [B, T, heads, head_dim] queries to keys and values; return [B, T, heads x head_dim].

    `mask` is additive and broadcasts to [B, heads, Tq, Tk]. A query that may see no key at all gets
    exactly 0, whatever the kernel makes of such rows.

    Raises:
        ValueError: `flash3` with a mask, or where it is not installed.
    """
    if kernel == "auto":
        half = q.dtype in (torch.bfloat16, torch.float16)
        hopper = q.is_cuda and torch.cuda.get_device_capability(q.device)[0] == 9
        kernel = "flash3" if half and hopper and mask is None and flash3_available() else "sdpa"
    if kernel == "flash3":
        return _flash3(q, k, v, mask).flatten(2)
    q, k, v = (x.transpose(1, 2) for x in (q, k, v))
    if kernel == "math":
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        out = torch.softmax(scores if mask is None else scores + mask, dim=-1) @ v
    else:
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    if mask is not None:
        out = out.masked_fill(torch.isneginf(mask).all(-1, keepdim=True), 0.0)
    return out.transpose(1, 2).flatten(2)


def _flash3(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    if mask is not None:
        raise ValueError("FlashAttention-3 takes no attention mask; use the sdpa kernel.")
    if not flash3_available():
        raise ValueError("FlashAttention-3 (flash_attn_interface) is not installed; use the sdpa kernel.")
    out: Tensor | tuple[Tensor, ...] = importlib.import_module("flash_attn_interface").flash_attn_func(
        q, k, v
    )
    return out[0] if isinstance(out, tuple) else out


class Projection(NamedTuple):
    """Tokens [B, T, width], and the linear layer and norm that make queries or keys of them."""

    x: Tensor
    linear: nn.Linear
    norm: nn.RMSNorm


def project_pair(
    first: Projection, second: Projection, heads: int, eps: float, rotation: Rotation | None
) -> tuple[Tensor, Tensor]:
    """Project, normalise over the full width and rotate two sets of the same tokens.

    Queries and keys of one stream have the same shape and rotation, so where norms are not fused each
    step is one kernel in one buffer for both. Returns [B, T, heads, head_dim] twice.
    """
    if _fused(first.x):
        apart = (
            torch.unflatten(rms(linear(x), eps, norm.weight), -1, (heads, -1))
            for x, linear, norm in (first, second)
        )
        one, two = (rotation.apply(x) if rotation else x for x in apart)
        return one, two
    pair = first.x.new_empty(2, *first.x.shape[:-1], first.linear.out_features)
    for out, (x, linear, _) in zip(pair, (first, second), strict=True):
        if type(linear) is nn.Linear:
            torch.addmm(linear.bias, x.flatten(0, 1), linear.weight.t(), out=out.flatten(0, 1))
        else:
            out.copy_(linear(x))
    pair = rms(pair, eps)
    for out, (_, _, norm) in zip(pair, (first, second), strict=True):
        out.mul_(norm.weight)
    pair = torch.unflatten(pair, -1, (heads, -1))
    return (rotation.apply(pair) if rotation else pair).unbind(0)  # type: ignore[return-value]


class Attention(nn.Module):
    """Multi-head attention with full-width RMS norms on queries and keys, before rotation and head split.

    `gated` (2.3) multiplies each head's output by 2 sigmoid(to_gate_logits(x)), x being the queries' input.
    """

    def __init__(
        self, query_width: int, context_width: int, heads: int, head_dim: int, eps: float, gated: bool = False
    ) -> None:
        super().__init__()
        inner = heads * head_dim
        self.heads, self.eps = heads, eps
        self.to_q = nn.Linear(query_width, inner)
        self.to_k = nn.Linear(context_width, inner)
        self.to_v = nn.Linear(context_width, inner)
        self.to_out = nn.ModuleList([nn.Linear(inner, query_width)])
        self.q_norm = nn.RMSNorm(inner, eps)
        self.k_norm = nn.RMSNorm(inner, eps)
        self.to_gate_logits = nn.Linear(query_width, heads) if gated else None

    def split_heads(self, x: Tensor) -> Tensor:
        return torch.unflatten(x, -1, (self.heads, -1))

    def keys_values(self, context: Tensor) -> KeysValues:
        """Return what tokens attend to in another sequence [B, T, width] without positions.

        The keys carry the query norm's weight too: scores are the same, and it is applied once for each
        prompt instead of once for each token and step.
        """
        k = rms(self.to_k(context), self.eps, self.k_norm.weight * self.q_norm.weight)
        return KeysValues(self.split_heads(k), self.split_heads(self.to_v(context)))

    def forward(
        self,
        x: Tensor,
        context: KeysValues | None = None,
        *,
        rotation: Rotation | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """Return [B, T, width]: x attends to the other sequence of `context`, or to itself with positions."""
        if context is None:
            queries, keys = Projection(x, self.to_q, self.q_norm), Projection(x, self.to_k, self.k_norm)
            q, k = project_pair(queries, keys, self.heads, self.eps, rotation)
            context = KeysValues(k, self.split_heads(self.to_v(x)))
        else:
            q = self.split_heads(rms(self.to_q(x), self.eps))
        return self.project(attend(q, context.keys, context.values, mask), x)

    def values_only(self, x: Tensor) -> Tensor:
        """Return self-attention in which every token sees only itself: generation B's perturbation."""
        return self.project(self.to_v(x), x)

    def project(self, out: Tensor, x: Tensor) -> Tensor:
        """Return the output projection of [B, T, heads x head_dim], gated by x where the model has gates."""
        if self.to_gate_logits is not None:
            gate = 2 * torch.sigmoid(self.to_gate_logits(x))
            out = (self.split_heads(out) * gate.unsqueeze(-1)).flatten(2)
        return self.to_out[0](out)  # type: ignore[no-any-return]


class _Activated(nn.Module):
    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.proj = nn.Linear(width, inner)

    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(self.proj(x), approximate="tanh")


class FeedForward(nn.Module):
    """Two linear layers, four times as wide between them, with a tanh-form GELU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        # Index 1 is a dropout layer in published key names.
        self.net = nn.ModuleList([_Activated(width, 4 * width), nn.Identity(), nn.Linear(4 * width, width)])

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, T, width]."""
        return self.net[2](self.net[0](x))  # type: ignore[no-any-return]
