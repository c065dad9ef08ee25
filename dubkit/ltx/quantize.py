"""float8 weights: files with scales, and plain casts of full-precision files.

The two kinds must not be mixed. A scaled file has one scale per float8 weight; "fp8-cast" rounds linears of
a full-precision file without one, and on a scaled file would drop the scales unnoticed.
"""

from __future__ import annotations

import re

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dubkit.ltx.weights import FLOAT8, LARGEST, Checkpoint, to_float8

CAST = re.compile(r"transformer_blocks\.\d+\.(\w+\.(to_[qkv]|to_out\.0)|(audio_)?ff\.net\.(0\.proj|2))")
"""What fp8-cast rounds, weight and bias: the attentions' and feed-forwards' linears of every block."""


ROWS = 4096
"""Tokens whose values are rounded at a time."""


def quantise(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return (float8, float32 scalar) whose product is the weight: the scalar is max|weight| / 448."""
    weight = weight.float()
    scale = (weight.abs().max() / LARGEST).clamp_min(1e-30)  # An all-zero weight would divide by zero.
    return to_float8(weight / scale), scale


def multiplies_float8(device: torch.device) -> bool:
    """Whether the device has float8 matrix units (CUDA compute capability 8.9 on)."""
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 9)


class _Rounded(nn.Module):
    """What replaces a linear: its sizes, weight (O, I) in float8, bias (O,) in full precision."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.weight = nn.Parameter(torch.empty_like(linear.weight, dtype=FLOAT8), requires_grad=False)
        self.bias = linear.bias


class Float8Linear(_Rounded):
    """A linear of a scaled file, with the scalars weight_scale and input_scale.

    On float8 units the input is rounded with the file's static `input_scale`. Elsewhere the weight is
    expanded at each call, which is slower and rounds nothing more. Shapes (..., I) -> (..., O).
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__(linear)
        scalar = linear.weight.new_empty((), dtype=torch.float32)
        self.weight_scale = nn.Parameter(scalar, requires_grad=False)
        self.input_scale = nn.Parameter(scalar.clone(), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        aligned = self.in_features % 16 == 0 == self.out_features % 16  # The units take nothing else.
        if not (aligned and x.dtype == torch.bfloat16 and multiplies_float8(x.device)):
            return F.linear(x, self.expanded().to(x.dtype), self.bias)
        product = torch._scaled_mm(
            self._rounded(x.flatten(0, -2)),
            self.weight.t(),
            self.input_scale,
            self.weight_scale,
            self.bias,
            out_dtype=x.dtype,
        )
        return product.view(*x.shape[:-1], -1)

    def _rounded(self, rows: Tensor) -> Tensor:
        """Return rows (N, I) in float8, some at a time: a copy is a third of what a block works with."""
        rounded = torch.empty_like(rows, dtype=FLOAT8)
        for part, out in zip(torch.split(rows, ROWS), torch.split(rounded, ROWS), strict=True):
            out.copy_((part / self.input_scale).clamp_(-LARGEST, LARGEST))
        return rounded

    def expanded(self) -> Tensor:
        """Return the weight (O, I) in float32."""
        return self.weight.float() * self.weight_scale

    def add(self, delta: Tensor) -> None:
        """Add a LoRA's (O, I), on its device, and quantise the sum with a scale of its own."""
        for place, value in zip(
            (self.weight, self.weight_scale), quantise(self.expanded().to(delta.device) + delta), strict=True
        ):
            place.copy_(value)


class CastLinear(_Rounded):
    """A linear rounded to float8 without scale, and expanded at each call.

    LoRAs are added before the rounding, which is to the nearest value. Added to rounded weights, a small
    delta would be lost unless they were rounded at random again; this way there is one error, not two.
    """

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight.to(x.dtype), self.bias)

    def round_bias(self) -> None:
        """Round the loaded bias too. It keeps its dtype, because blocks add some biases by themselves."""
        self.bias.copy_(to_float8(self.bias))


def holds_float8(checkpoint: Checkpoint) -> bool:
    return any(entry.dtype == FLOAT8 for entry in checkpoint.entries.values())


def use_scaled(module: nn.Module, checkpoint: Checkpoint, prefix: str) -> None:
    """Make the linears that have a scale in the file, under `prefix`, `Float8Linear`s."""
    linears = {name for name, part in module.named_modules() if isinstance(part, nn.Linear)}
    for key in checkpoint.entries:
        if not key.endswith(".weight_scale") or not key.startswith(prefix):
            continue
        layer = key.removesuffix(".weight_scale")
        if layer.removeprefix(prefix) not in linears or checkpoint.dtype(f"{layer}.weight") != FLOAT8:
            raise ValueError(
                f"{checkpoint.path} has {key}, but {layer} is no linear here with a float8 weight."
            )
        _replace(module, layer.removeprefix(prefix), Float8Linear)


def use_cast(module: nn.Module, checkpoint: Checkpoint) -> None:
    """Make the linears that fp8-cast rounds `CastLinear`s; ValueError where the file holds float8 already."""
    if holds_float8(checkpoint):
        raise ValueError(
            f"{checkpoint.path} holds float8 weights already; a cast would drop their scales. "
            "Load it without the cast, or cast the full-precision file."
        )
    for layer in [name for name, _ in module.named_modules() if CAST.fullmatch(name)]:
        _replace(module, layer, CastLinear)


def _replace(module: nn.Module, layer: str, kind: type[Float8Linear] | type[CastLinear]) -> None:
    owner, _, leaf = layer.rpartition(".")
    linear = module.get_submodule(layer)
    assert isinstance(linear, nn.Linear)
    setattr(module.get_submodule(owner), leaf, kind(linear))
