"""Low-rank additions to the transformer's linears, fused while its weights are read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from dubkit.ltx.quantize import Float8Linear
from dubkit.ltx.weights import FLOAT8, Checkpoint, Device, listed

KEY = re.compile(r"diffusion_model\.(.+)\.lora_[AB]\.weight")
GENERATIONS = {
    "LTX-2.3": re.compile(r"\.(to_gate_logits|prompt_adaln_single|audio_prompt_adaln_single)\."),
    "LTX-2 (19B)": re.compile(r"\.(audio_)?caption_projection\."),
}
"""Linears that only one generation has. Their widths are the same, so nothing else tells them apart."""


class LoRA(NamedTuple):
    """A LoRA file and how strongly it is added; at 0 it is left out."""

    path: Path
    strength: float = 1.0


class LoRAWithMap(NamedTuple):
    """A LoRA as the original's code names it: keys are matched here without the renaming map."""

    path: Path
    strength: float = 1.0
    sd_ops: object = None


class LoRAReport(NamedTuple):
    """What became of one LoRA file."""

    path: Path
    strength: float
    fused: int
    """Linears that it changes."""
    unmatched: tuple[str, ...]
    """Keys that belong to no linear of the transformer and were left out."""


class Fusion:
    """The sum of several LoRAs, added by `load` to each tensor on its way to the module.

    Per file (strength * B) @ A in the file's dtype, cast to `dtype`; the files' products are summed in that
    dtype in the order given, then added to the weight. No alpha is read: it is taken to equal the rank.
    All of it happens on `device`, wherever the weights lie, so that streamed ones get the same rounding.

    Raises:
        ValueError: a file for another generation or other widths, or with nothing for this module.
    """

    def __init__(
        self, loras: Sequence[LoRA], module: nn.Module, dtype: torch.dtype, device: Device = "cpu"
    ) -> None:
        state = module.state_dict()
        linears = {k.removesuffix(".weight"): w.shape for k, w in state.items() if k.endswith(".weight")}
        self.dtype, self.device = dtype, torch.device(device)
        self.parts: dict[str, list[tuple[Checkpoint, float]]] = {}
        self.reports: list[LoRAReport] = []
        for path, strength in loras:
            if strength == 0:
                continue
            file = Checkpoint(path)
            layers, unmatched = _match(file, linears)
            for layer in layers:
                self.parts.setdefault(layer, []).append((file, strength))
            self.reports.append(LoRAReport(path, strength, len(layers), unmatched))

    def delta(self, layer: str) -> Tensor | None:
        """Return what is added to a linear's weight (O, I); nothing where no LoRA has a part for it."""
        total: Tensor | None = None
        for file, strength in self.parts.get(layer, ()):
            down, up = (file.tensor(key, self.device) for key in _halves(layer))
            part = torch.matmul(up * strength, down).to(self.dtype)
            total = part if total is None else total + part
        return total

    def __call__(self, name: str, tensor: Tensor) -> Tensor:
        """Add to a tensor of the module. Scaled float8 is left to `fuse_scaled`, which needs the scales."""
        if not name.endswith(".weight") or tensor.dtype == FLOAT8:
            return tensor
        delta = self.delta(name.removesuffix(".weight"))
        return tensor if delta is None else (tensor.to(self.device) + delta).to(tensor.device)

    def fuse_scaled(self, module: nn.Module) -> None:
        """Add to the scaled float8 linears of a loaded module."""
        for name, layer in module.named_modules():
            if isinstance(layer, Float8Linear) and (delta := self.delta(name)) is not None:
                layer.add(delta)


def _halves(layer: str) -> tuple[str, str]:
    return f"diffusion_model.{layer}.lora_A.weight", f"diffusion_model.{layer}.lora_B.weight"


def _match(file: Checkpoint, linears: dict[str, torch.Size]) -> tuple[list[str], tuple[str, ...]]:
    """Return the linears that a LoRA file has both halves for, and its other keys."""
    named = {match[1] for key in file.entries if (match := KEY.fullmatch(key))}
    layers = sorted(layer for layer in named & linears.keys() if file.keys.issuperset(_halves(layer)))
    unmatched = tuple(sorted(file.keys.difference(*map(_halves, layers))))
    for generation, names in GENERATIONS.items():
        foreign = [key for key in unmatched if names.search(key)]
        if foreign:
            raise ValueError(
                f"{file.path} is a LoRA for {generation}, not for this checkpoint: it has {listed(foreign)}. "
                "Use the LoRA of the checkpoint's generation."
            )
    if not layers:
        raise ValueError(
            f"{file.path} has nothing for this transformer, only {listed(unmatched)}. Needed are "
            "diffusion_model.<linear>.lora_A.weight and .lora_B.weight."
        )
    wrong = []
    for layer in layers:
        down, up = (file.shape(key) for key in _halves(layer))
        if (*up[:1], *down[1:]) != linears[layer] or up[1:] != down[:1]:
            wrong.append(f"{layer} {list(linears[layer])} (A {list(down)}, B {list(up)})")
    if wrong:
        raise ValueError(
            f"{file.path} is a LoRA for a transformer of other widths; {len(wrong)} linears differ: "
            f"{listed(wrong)}. Use the LoRA of this checkpoint."
        )
    return layers, unmatched


def reference_downscale(path: Path) -> int:
    """Return how many times smaller than its target an IC-LoRA's reference is; 1 where the file is silent."""
    text = Checkpoint(path).metadata.get("reference_downscale_factor", "1")
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(
            f"{path} states reference_downscale_factor {text!r}; it must be a whole number from 1."
        )
    return int(text)
