"""What a diffusion run carries for one stream, picture or sound, as tokens.

Target tokens come first, appended conditioning tokens after them. Letters: B batch, T tokens, C features,
A position axes (3 for picture: seconds, pixel rows, pixel columns; 1 for sound: seconds).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from dubkit.ltx.latents import quantised_positions


@dataclass(frozen=True, slots=True)
class TokenState:
    """Tokens of one stream between two steps."""

    latent: Tensor
    """(B, T, C)."""
    clean: Tensor
    """(B, T, C): what a token is held to where its mask is below 1."""
    mask: Tensor
    """(B, T, 1), always float32: 1 = generate, 0 = keep, between = keep partly."""
    positions: Tensor
    """(B, A, T, 2): start and end of each token on each axis."""
    targets: int
    """How many of the tokens are generated output; the rest is conditioning."""

    def __post_init__(self) -> None:
        tokens = self.latent.shape[1]
        if not 0 < self.targets <= tokens:
            raise ValueError(f"A state of {tokens} tokens cannot have {self.targets} target tokens.")
        if self.clean.shape != self.latent.shape:
            raise ValueError(
                f"The clean latent is {tuple(self.clean.shape)}, the latent {tuple(self.latent.shape)}."
            )
        if self.mask.shape[1] != tokens or self.positions.shape[2] != tokens:
            raise ValueError(
                f"{tokens} tokens have a mask of {self.mask.shape[1]} and positions of "
                f"{self.positions.shape[2]}; all three must agree."
            )
        if self.mask.dtype != torch.float32:
            raise ValueError(f"The denoise mask is {self.mask.dtype}; it must stay float32.")

    def levels(self, sigma: float | Tensor) -> Tensor:
        """Return each token's own noise level, (B, T, 1) float32."""
        return self.mask * sigma

    def target(self) -> Tensor:
        """Return the generated tokens alone, (B, targets, C)."""
        return self.latent[:, : self.targets]

    def frozen(self) -> TokenState:
        """Return the state held at its clean latent: a stream that takes part and does not change.

        Cross-modal masks must be made before, from the mask that this zeroes.
        """
        return replace(self, latent=self.clean, mask=torch.zeros_like(self.mask))

    def with_rounded_positions(self) -> TokenState:
        """Return the state with target positions in the latent's dtype, as the original has the picture's.

        In bfloat16 they then differ from those of their reference twins by up to 12.5 ms at 25 fps within
        121 frames. It changes results, so it is only for comparison with the original.
        """
        return replace(self, positions=quantised_positions(self.positions, self.targets, self.latent.dtype))


def start_state(tokens: Tensor, positions: Tensor) -> TokenState:
    """Return a state that generates every token, from zeros or from an earlier result.

    Args:
        tokens: initial latent (B, T, C).
        positions: bounds (1 or B, A, T, 2), float32.
    """
    batch, count, _ = tokens.shape
    return TokenState(
        latent=tokens,
        clean=tokens,
        mask=torch.ones(batch, count, 1, device=tokens.device),
        positions=positions.to(tokens.device).expand(batch, -1, -1, -1),
        targets=count,
    )


def noised(state: TokenState, scale: float, generator: torch.Generator) -> TokenState:
    """Mix noise into the latent: all of it where mask x scale is 1, none where it is 0.

    Noise is drawn for all tokens, appended ones too, in the latent's dtype: the order, size and dtype of
    draws are part of what a seed means. A run draws picture before sound, first stage before second.
    """
    latent = state.latent
    noise = torch.randn(latent.shape, generator=generator, dtype=latent.dtype, device=latent.device)
    share = state.mask * scale
    return replace(state, latent=(noise * share + latent * (1.0 - share)).to(latent.dtype))


def clean_prediction(state: TokenState, velocity: Tensor, sigma: float | Tensor) -> Tensor:
    """Return the clean latent a velocity (B, T, C) points to; float32 arithmetic, the latent's dtype."""
    return (state.latent.float() - velocity.float() * state.levels(sigma)).to(state.latent.dtype)


def held(state: TokenState, prediction: Tensor) -> Tensor:
    """Return a clean prediction with every token pulled to its clean latent as far as its mask says."""
    mixed = prediction * state.mask + state.clean.float() * (1.0 - state.mask)
    return mixed.to(state.latent.dtype)
