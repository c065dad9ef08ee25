"""Noise levels (sigmas) that a diffusion run visits, computed. The fixed lists are in `recipes`.

Recipes use LTX-2's own schedule. The others are for ways of LTX-2 that are not recipes yet;
`benchmarks.parity` compares them with the original.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Tensor

Schedule = Literal["ltx2", "linear-quadratic", "beta"]

SHIFT_TOKENS = (1024, 4096)
"""Token counts at which the shift equals `base_shift` and `max_shift`."""


def ltx2_sigmas(
    steps: int,
    *,
    tokens: int = SHIFT_TOKENS[1],
    base_shift: float = 0.95,
    max_shift: float = 2.05,
    terminal: float | None = 0.1,
) -> Tensor:
    """Return `(steps + 1,)` float32 levels of LTX-2's own schedule, from about 1 down to 0.

    Recipes leave `tokens` alone: the released pipelines never pass a latent, so the shift is that of 4096
    tokens at every size. `terminal` is what the last non-zero level is stretched to; None leaves it.
    One step has only that level, so it gives `[terminal, 0]`; the original divides two rounding errors there.

    Raises:
        ValueError: fewer than one step, or a terminal level outside (0, 1).
    """
    _check_steps(steps)
    if terminal is not None and not 0.0 < terminal < 1.0:
        raise ValueError(f"The terminal noise level is {terminal}; choose one between 0 and 1.")
    low, high = SHIFT_TOKENS
    slope = (max_shift - base_shift) / (high - low)
    growth = math.exp(tokens * slope + (base_shift - slope * low))
    grid = torch.linspace(1.0, 0.0, steps + 1)
    # At u = 1 this is 1 - 6e-8 or exactly 1, depending on `growth`; the stretch magnifies that rounding error
    # to 5e-7, so the division must stay the reciprocal times a number that torch makes of it.
    sigmas = torch.where(grid > 0, growth / (growth + (1.0 / grid - 1.0)), grid)
    if terminal is None:
        return sigmas
    if steps == 1:
        return torch.tensor([terminal, 0.0])
    rest = 1.0 - sigmas[:-1]
    sigmas[:-1] = 1.0 - rest / (rest[-1] / (1.0 - terminal))
    return sigmas


def linear_quadratic_sigmas(steps: int, *, threshold: float = 0.025) -> Tensor:
    """Return (steps + 1,) levels that fall by `threshold` in a line over the first half, then on a parabola.

    The parabola leaves the line without a kink and ends at 0.
    """
    _check_steps(steps)
    line = steps // 2
    if line == 0:
        return torch.tensor([1.0, 0.0])
    slope = threshold / line
    rest = steps - line
    bend = (1.0 - threshold - slope * rest) / rest**2
    fallen = [i * slope + (bend * (i - line) ** 2 if i > line else 0.0) for i in range(steps)]
    return torch.tensor([*(1.0 - value for value in fallen), 0.0])


def beta_sigmas(
    steps: int, *, alpha: float = 0.6, beta: float = 0.6, shift: float = 2.37, levels: int = 10_000
) -> Tensor:
    """Return levels at quantiles of a beta distribution, which spends its steps near both ends.

    Quantiles pick from a table of `levels` shifted levels; picks that coincide are kept once, so very many
    steps give fewer values. Shape `(n + 1,)` with n <= steps.
    """
    from scipy.stats import beta as distribution  # type: ignore[import-untyped]

    _check_steps(steps)
    quantiles = 1.0 - torch.linspace(0.0, 1.0, steps + 1, dtype=torch.float64)[:-1].numpy()
    picks = [round(value * (levels - 1)) for value in distribution.ppf(quantiles, alpha, beta).tolist()]
    growth = math.exp(shift)
    sigmas = [growth / (growth + (levels / (pick + 1) - 1.0)) for pick in dict.fromkeys(picks)]
    return torch.tensor([*sigmas, 0.0])


def sigmas(schedule: Schedule, steps: int) -> Tensor:
    """Return the levels of a schedule chosen by name, float32.

    Raises:
        ValueError: an unknown name, or fewer than one step.
    """
    if schedule == "ltx2":
        return ltx2_sigmas(steps)
    if schedule == "linear-quadratic":
        return linear_quadratic_sigmas(steps)
    if schedule == "beta":
        return beta_sigmas(steps)
    raise ValueError(f"Unknown schedule {schedule!r}; known: {', '.join(get_args(Schedule))}.")


def _check_steps(steps: int) -> None:
    if steps < 1:
        raise ValueError(f"A schedule of {steps} steps is empty; ask for at least 1.")
