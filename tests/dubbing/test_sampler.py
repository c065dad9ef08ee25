"""The loop over noise levels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from dubkit.dubbing.diffusion.sampler import Method, States, euler_step, sample, velocity_to
from dubkit.dubbing.diffusion.schedules import ltx2_sigmas
from dubkit.dubbing.diffusion.state import TokenState
from tests.support.golden import assert_close, golden, requires_golden


def state_of(latent: Tensor, mask: Tensor | None = None, clean: Tensor | None = None) -> TokenState:
    count = latent.shape[1]
    return TokenState(
        latent=latent,
        clean=latent if clean is None else clean,
        mask=torch.ones(*latent.shape[:2], 1) if mask is None else mask,
        positions=torch.zeros(1, 1, count, 2),
        targets=count,
    )


def zero(states: States, sigma: float) -> list[Tensor]:
    return [torch.zeros_like(state.latent) for state in states]


@requires_golden
@pytest.mark.parametrize("method", ["euler", "gradient-estimating"])
def test_loops_equal_the_originals(method: Method) -> None:
    unit = golden("unit_schedule")
    start = tuple(
        state_of(*(unit[f"loop.{stream}.{kind}"] for kind in ("latent", "mask", "clean")))
        for stream in ("video", "audio")
    )

    def toy(states: States, sigma: float) -> Sequence[Tensor]:
        return 0.5 * torch.tanh(states[0].latent) + 0.1, 0.4 * torch.sin(states[1].latent)

    video, audio = sample(toy, start, unit["ltx2.steps8.default"], method=method, gamma=2.0)
    name = method.replace("-", "_")
    assert_close(video.latent, unit[f"loop.{name}.video"])
    assert_close(audio.latent, unit[f"loop.{name}.audio"])


@requires_golden
def test_a_single_step_equals_the_original() -> None:
    unit = golden("unit_schedule")
    levels = unit["ltx2.steps8.default"].tolist()
    state = state_of(unit["euler.sample"])
    velocity = velocity_to(state, unit["euler.denoised"], levels[3])
    assert torch.equal(euler_step(state, velocity, levels[3], levels[4]).latent, unit["euler.step3"])


def test_kept_tokens_stay_what_they_are() -> None:
    torch.manual_seed(0)
    latent, mask = torch.randn(1, 6, 4), torch.ones(1, 6, 1)
    mask[:, :2] = 0.0
    (end,) = sample(zero, (state_of(latent, mask),), ltx2_sigmas(5))
    assert torch.equal(end.latent[:, :2], latent[:, :2])
    assert end.latent[:, 2:].abs().max() < 1e-5


def test_half_kept_tokens_end_between_prediction_and_clean_latent() -> None:
    mask = torch.full((1, 2, 1), 0.25)
    (end,) = sample(zero, (state_of(torch.randn(1, 2, 4), mask, torch.ones(1, 2, 4)),), ltx2_sigmas(3))
    assert_close(end.latent, torch.full((1, 2, 4), 0.75))


def test_a_bfloat16_run_rounds_between_steps_and_to_the_velocity() -> None:
    torch.manual_seed(0)
    state = state_of(torch.randn(1, 3, 4).to(torch.bfloat16))
    clean = torch.randn(1, 3, 4).to(torch.bfloat16)
    velocity = velocity_to(state, clean, 0.725)
    assert velocity.dtype == torch.bfloat16
    moved = euler_step(state, velocity, 0.725, 0.421875).latent
    expected = (state.latent.float() + velocity.float() * (0.421875 - 0.725)).to(torch.bfloat16)
    assert torch.equal(moved, expected)


def test_every_step_is_reported_once_in_order() -> None:
    seen: list[int] = []
    levels = ltx2_sigmas(4)
    end = sample(
        zero, (state_of(torch.ones(1, 2, 3)),), levels, on_step=lambda step, states: seen.append(step)
    )
    assert seen == [0, 1, 2, 3]
    assert len(end) == 1


def test_the_caller_s_states_are_not_changed() -> None:
    latent = torch.randn(1, 3, 2)
    before = latent.clone()
    sample(zero, (state_of(latent),), ltx2_sigmas(3))
    assert torch.equal(latent, before)


@pytest.mark.parametrize(
    "levels",
    [[1.0], [0.5, 0.5, 0.0], [0.2, 0.4, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, -0.1], [float("nan"), 0.0]],
)
def test_levels_that_do_not_fall_are_refused(levels: list[float]) -> None:
    with pytest.raises(ValueError, match="must fall"):
        sample(zero, (state_of(torch.ones(1, 2, 3)),), torch.tensor(levels))


def test_a_number_of_predictions_other_than_the_streams_is_refused() -> None:
    states = (state_of(torch.ones(1, 2, 3)), state_of(torch.ones(1, 2, 3)))
    with pytest.raises(ValueError, match="zip"):
        sample(lambda s, sigma: [s[0].latent], states, ltx2_sigmas(2))


def test_an_unknown_method_is_refused_with_the_known_ones() -> None:
    method: Any = "heun"
    with pytest.raises(ValueError, match=r"heun.*euler, gradient-estimating"):
        sample(zero, (state_of(torch.ones(1, 2, 3)),), ltx2_sigmas(2), method=method)
