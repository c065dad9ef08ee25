"""Walk token states down a list of noise levels.

Recipes use `euler`. `gradient-estimating` is for ways of LTX-2 that are not recipes yet; `benchmarks.parity`
compares it with the original.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal, get_args

from torch import Tensor

from dubkit.dubbing.diffusion.state import TokenState, held

Method = Literal["euler", "gradient-estimating"]

States = tuple[TokenState, ...]
"""Streams that are denoised together; a dub has picture and sound, in this order."""

Denoise = Callable[[States, float], Sequence[Tensor]]
"""Predict every stream's clean latent (B, T, C) at a noise level, guidance included."""


def sample(
    denoise: Denoise,
    states: States,
    sigmas: Tensor,
    *,
    method: Method = "euler",
    gamma: float = 2.0,
    on_step: Callable[[int, States], None] | None = None,
) -> States:
    """Return the states after visiting all noise levels.

    Args:
        sigmas: (steps + 1,) falling levels; only the last may be 0.
        gamma: how far the gradient-estimating method extrapolates each velocity from the one before.
        on_step: called after each step with its index, from 0, and the states.

    Raises:
        ValueError: levels that do not fall or reach 0 early, or an unknown method.
    """
    levels: list[float] = sigmas.tolist()
    # Said positively, so that an undefined level is refused too.
    if len(levels) < 2 or not (all(a > b for a, b in pairwise(levels)) and levels[-1] >= 0.0):
        raise ValueError(
            f"Noise levels must fall strictly, with 0 only at the end; got {[round(x, 6) for x in levels]}."
        )
    if method not in get_args(Method):
        raise ValueError(f"Unknown sampling method {method!r}; known: {', '.join(get_args(Method))}.")
    before: list[Tensor] | None = None
    for step, (level, following) in enumerate(pairwise(levels)):
        predictions = denoise(states, level)
        clean = [held(state, x) for state, x in zip(states, predictions, strict=True)]
        velocities = [velocity_to(state, x, level) for state, x in zip(states, clean, strict=True)]
        if method == "gradient-estimating":
            if following == 0.0:
                states = tuple(replace(s, latent=x) for s, x in zip(states, clean, strict=True))
                velocities = []
            elif before is not None:
                velocities, before = _extrapolated(velocities, before, gamma), velocities
            else:
                before = velocities
        if velocities:
            moves = zip(states, velocities, strict=True)
            states = tuple(euler_step(state, velocity, level, following) for state, velocity in moves)
        if on_step is not None:
            on_step(step, states)
    return states


def velocity_to(state: TokenState, clean: Tensor, sigma: float) -> Tensor:
    """Return the velocity from the latent to a clean prediction, in the latent's dtype.

    It divides by the level of the run, not by each token's own: that is exact for kept tokens only because
    their latent already equals the clean one.
    """
    return ((state.latent.float() - clean.float()) / sigma).to(state.latent.dtype)


def euler_step(state: TokenState, velocity: Tensor, sigma: float, following: float) -> TokenState:
    """Move along a velocity (B, T, C) from one level to the next; float32 arithmetic, the latent's dtype."""
    latent = state.latent.float() + velocity.float() * (following - sigma)
    return replace(state, latent=latent.to(state.latent.dtype))


def _extrapolated(velocities: list[Tensor], before: list[Tensor], gamma: float) -> list[Tensor]:
    return [gamma * (now - then) + then for now, then in zip(velocities, before, strict=True)]
