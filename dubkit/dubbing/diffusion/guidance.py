"""Combine the predictions of several passes into one that follows the prompt more closely.

All functions take predicted clean latents (B, T, C) of one stream and keep their dtype. `cond` is the pass
with the prompt.

Recipes of dubs use `cfg` alone, films `stg`, `modality` and `rescale` too. `cfg_star` and `apg` are for ways
of LTX-2 that are not there yet; `benchmarks.parity` compares them with the original.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Guidance:
    """How strongly each further pass pushes the prediction away from itself."""

    cfg: float = 1.0
    """Against the negative prompt; 1 needs no such pass."""
    stg: float = 0.0
    """Against a pass with perturbed self-attention; 0 needs no such pass."""
    modality: float = 1.0
    """Against a pass in which picture and sound do not see each other; 1 needs no such pass."""
    rescale: float = 0.0
    """How much of the prompt pass's standard deviation is restored, 0 to 1."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.rescale <= 1.0:
            raise ValueError(f"Guidance rescale is {self.rescale}; choose a value from 0 to 1.")

    def combine(
        self,
        cond: Tensor,
        *,
        negative: Tensor | None = None,
        perturbed: Tensor | None = None,
        separate: Tensor | None = None,
    ) -> Tensor:
        """Return the guided prediction.

        Raises:
            ValueError: a strength asks for a pass that was not given.
        """
        passes = (
            ("cfg", self.cfg - 1.0, negative),
            ("stg", self.stg, perturbed),
            ("modality", self.modality - 1.0, separate),
        )
        guided = cond
        for name, weight, other in passes:
            if weight == 0.0:
                continue
            if other is None:
                raise ValueError(f"Guidance {name} is {getattr(self, name)}, but its pass was not given.")
            guided = guided + weight * (cond - other)
        return rescale_deviation(guided, cond, self.rescale) if self.rescale else guided


def rescale_deviation(guided: Tensor, cond: Tensor, amount: float) -> Tensor:
    """Pull the guided standard deviation towards that of the prompt pass, by `amount` (0 to 1)."""
    return guided * (amount * (cond.std() / guided.std()) + (1.0 - amount))


def cfg_star(cond: Tensor, negative: Tensor, scale: float) -> Tensor:
    """Guide against the part of the negative pass that the prompt pass contains (CFG-Zero*)."""
    return cond + (scale - 1.0) * (cond - _projection(cond, onto=negative))


def apg(cond: Tensor, negative: Tensor, scale: float, *, eta: float = 1.0, max_norm: float = 0.0) -> Tensor:
    """Guide with the difference's length capped and its part along the prompt pass weighted by `eta`.

    Adaptive projected guidance: that part mostly saturates, the rest follows the prompt. `max_norm` 0 sets
    no cap.
    """
    difference = cond - negative
    if max_norm > 0.0:
        norm = difference.flatten(1).norm(dim=1).view(-1, *[1] * (cond.ndim - 1))
        difference = difference * torch.clamp(max_norm / norm, max=1.0)
    along = _projection(difference, onto=cond)
    return cond + (scale - 1.0) * (along * eta + (difference - along))


def _projection(x: Tensor, *, onto: Tensor) -> Tensor:
    flat, axis = x.flatten(1), onto.flatten(1)
    weight = (flat * axis).sum(1) / (axis.square().sum(1) + 1e-8)
    return weight.view(-1, *[1] * (x.ndim - 1)) * onto
