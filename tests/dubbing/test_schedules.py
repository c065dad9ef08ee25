"""Noise levels: computed schedules and fixed lists."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from dubkit.dubbing.diffusion.recipes import DISTILLED, DUB_SECOND_STAGE, SECOND_STAGE
from dubkit.dubbing.diffusion.schedules import (
    Schedule,
    beta_sigmas,
    linear_quadratic_sigmas,
    ltx2_sigmas,
    sigmas,
)
from tests.support.golden import assert_close, golden, requires_golden


@requires_golden
@pytest.mark.parametrize("steps", [2, 3, 4, 5, 8, 10, 20, 30, 40, 50])
def test_ltx2_levels_equal_the_originals_to_the_last_bit(steps: int) -> None:
    assert torch.equal(ltx2_sigmas(steps), golden("unit_schedule")[f"ltx2.steps{steps}.default"])


@requires_golden
@pytest.mark.parametrize("tokens", [48, 1024, 8160, 32640])
def test_the_shift_follows_the_token_count(tokens: int) -> None:
    for steps in (4, 8, 20, 30):
        expected = golden("unit_schedule")[f"ltx2.steps{steps}.tokens{tokens}"]
        assert_close(ltx2_sigmas(steps, tokens=tokens), expected, rel=1e-6)


@requires_golden
def test_stretch_and_shifts_can_be_changed() -> None:
    unit = golden("unit_schedule")
    assert_close(ltx2_sigmas(8, terminal=None), unit["ltx2.steps8.no_stretch"], rel=1e-6)
    other = ltx2_sigmas(8, terminal=0.3, max_shift=3.0, base_shift=0.5)
    assert_close(other, unit["ltx2.steps8.terminal03"], rel=1e-6)


def test_thirty_steps_are_the_published_list() -> None:
    # The end of the list that the 19B model's own documentation of 30 steps gives, to six digits.
    expected = [0.701656, 0.660813, 0.612141, 0.553148, 0.480164, 0.387541, 0.26612, 0.1, 0.0]
    assert ltx2_sigmas(30)[-9:].tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("tokens", [48, 1024, 4096, 8160, 32640])
def test_one_step_is_its_terminal_level_and_never_undefined(tokens: int) -> None:
    assert ltx2_sigmas(1, tokens=tokens).tolist() == pytest.approx([0.1, 0.0])


def test_one_unstretched_step_is_the_whole_way() -> None:
    assert ltx2_sigmas(1, terminal=None).tolist() == pytest.approx([1.0, 0.0])


@requires_golden
@pytest.mark.parametrize("steps", [2, 8, 25])
def test_linear_quadratic_and_beta_equal_the_originals(steps: int) -> None:
    unit = golden("unit_schedule")
    assert_close(linear_quadratic_sigmas(steps), unit[f"linear_quadratic.steps{steps}"], rel=1e-6)
    assert_close(beta_sigmas(steps), unit[f"beta.steps{steps}"], rel=1e-6)


def test_linear_quadratic_falls_in_a_line_to_the_middle() -> None:
    levels = linear_quadratic_sigmas(10)
    assert levels[:6].diff().tolist() == pytest.approx([-0.005] * 5, abs=1e-6)
    assert linear_quadratic_sigmas(1).tolist() == [1.0, 0.0]


def test_beta_keeps_coinciding_picks_once() -> None:
    levels = beta_sigmas(5000)
    assert len(levels) < 5001
    assert (levels.diff() < 0).all()


@pytest.mark.parametrize("name", ["ltx2", "linear-quadratic", "beta"])
@pytest.mark.parametrize("steps", [2, 7, 30])
def test_every_schedule_falls_from_one_to_zero(name: Schedule, steps: int) -> None:
    levels = sigmas(name, steps)
    assert levels.dtype == torch.float32
    assert levels[0].item() == pytest.approx(1.0, abs=1e-6)
    assert levels[-1].item() == 0.0
    assert (levels.diff() < 0).all()


@requires_golden
def test_fixed_lists_are_the_originals() -> None:
    unit = golden("unit_schedule")
    assert_close(torch.tensor(DISTILLED), unit["distilled.stage1"], rel=1e-6)
    assert_close(torch.tensor(SECOND_STAGE), unit["distilled.stage2"], rel=1e-6)


def test_a_dubs_second_stage_has_two_steps() -> None:
    assert DUB_SECOND_STAGE == (0.725, 0.421875, 0.0)


@pytest.mark.parametrize("steps", [0, -1])
@pytest.mark.parametrize("name", ["ltx2", "linear-quadratic", "beta"])
def test_no_steps_are_refused(name: Schedule, steps: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        sigmas(name, steps)


def test_an_unknown_schedule_is_refused_with_the_known_ones() -> None:
    name: Any = "karras"
    with pytest.raises(ValueError, match=r"karras.*ltx2, linear-quadratic, beta"):
        sigmas(name, 4)


@pytest.mark.parametrize("terminal", [0.0, 1.0, -0.1])
def test_a_terminal_level_outside_the_range_is_refused(terminal: float) -> None:
    with pytest.raises(ValueError, match="terminal"):
        ltx2_sigmas(4, terminal=terminal)
