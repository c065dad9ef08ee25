"""Guidance: several passes combined into one prediction."""

from __future__ import annotations

import pytest
import torch

from dubkit.dubbing.diffusion.guidance import Guidance, apg, cfg_star, rescale_deviation
from tests.support.golden import assert_close, golden, requires_golden


@requires_golden
def test_all_kinds_equal_the_originals() -> None:
    unit = golden("unit_schedule")
    cond, other = unit["guide.cond"], unit["guide.uncond"]
    assert_close(Guidance(cfg=3.0).combine(cond, negative=other), unit["guide.cfg3"])
    assert_close(Guidance(stg=1.0).combine(cond, perturbed=other), unit["guide.stg1"])
    assert_close(cfg_star(cond, other, 3.0), unit["guide.cfgstar3"])
    assert_close(apg(cond, other, 3.0, eta=0.5, max_norm=2.0), unit["guide.apg"])


def test_neutral_guidance_returns_the_prompt_pass_itself() -> None:
    cond = torch.randn(1, 4, 3)
    assert Guidance().combine(cond) is cond


def test_passes_add_up() -> None:
    torch.manual_seed(0)
    cond, negative, perturbed, separate = torch.randn(4, 1, 4, 3)
    guided = Guidance(cfg=3.0, stg=1.0, modality=3.0).combine(
        cond, negative=negative, perturbed=perturbed, separate=separate
    )
    expected = cond + 2 * (cond - negative) + (cond - perturbed) + 2 * (cond - separate)
    assert_close(guided, expected, rel=1e-6)


def test_full_rescale_restores_the_prompt_pass_deviation() -> None:
    torch.manual_seed(0)
    cond, negative = torch.randn(2, 1, 50, 8)
    guided = Guidance(cfg=7.0, rescale=1.0).combine(cond, negative=negative)
    assert guided.std().item() == pytest.approx(cond.std().item(), rel=1e-5)
    free = Guidance(cfg=7.0).combine(cond, negative=negative)
    half = Guidance(cfg=7.0, rescale=0.5).combine(cond, negative=negative)
    assert cond.std() < half.std() < free.std()
    assert_close(half, rescale_deviation(free, cond, 0.5))


def test_apg_without_cap_and_full_parallel_part_is_plain_guidance() -> None:
    torch.manual_seed(0)
    cond, negative = torch.randn(2, 1, 4, 3)
    assert_close(apg(cond, negative, 3.0), Guidance(cfg=3.0).combine(cond, negative=negative))


def test_samples_of_a_batch_do_not_influence_each_other() -> None:
    torch.manual_seed(0)
    cond, negative = torch.randn(2, 2, 4, 3)
    for guide in (cfg_star, apg):
        together = guide(cond, negative, 3.0)
        assert_close(together[1:], guide(cond[1:], negative[1:], 3.0), rel=1e-6)


def test_dtype_is_kept() -> None:
    cond, negative = torch.randn(2, 1, 4, 3).to(torch.bfloat16)
    guided = Guidance(cfg=3.0, rescale=0.7).combine(cond, negative=negative)
    assert guided.dtype == torch.bfloat16


@pytest.mark.parametrize("guide", [Guidance(cfg=3.0), Guidance(stg=1.0), Guidance(modality=3.0)])
def test_a_missing_pass_is_named(guide: Guidance) -> None:
    with pytest.raises(ValueError, match="pass was not given"):
        guide.combine(torch.zeros(1, 2, 3))


def test_rescale_outside_zero_to_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"rescale is 1\.5"):
        Guidance(rescale=1.5)
