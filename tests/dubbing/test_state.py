"""Token states: noise, masks, positions."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from dubkit.dubbing.diffusion.conditioning import Grid, Reference
from dubkit.dubbing.diffusion.state import TokenState, clean_prediction, held, noised, start_state
from dubkit.ltx.latents import patchify_video, video_positions
from tests.support.golden import assert_close, golden, requires_golden


def fresh(tokens: int = 4, dtype: torch.dtype = torch.float32) -> TokenState:
    positions = torch.rand(1, 3, tokens, 2) * 3
    return start_state(torch.zeros(1, tokens, 2, dtype=dtype), positions)


def seeded(seed: int = 7) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@requires_golden
@pytest.mark.parametrize("name", ["e2e_justdubit", "e2e_bf16"])
def test_draws_are_the_originals_bit_for_bit(name: str) -> None:
    tensors, generator = golden(name), seeded(42)
    for stage in (1, 2):
        for stream in ("video", "audio"):
            expected = tensors[f"stage{stage}.noise_{stream}"]
            state = start_state(torch.zeros_like(expected), torch.zeros(1, 1, expected.shape[1], 2))
            assert torch.equal(noised(state, 1.0, generator).latent, expected)


def test_noise_is_drawn_for_kept_tokens_too() -> None:
    state = fresh()
    mask = state.mask.clone()
    mask[:, :2] = 0.0
    kept = noised(replace(state, mask=mask), 1.0, seeded()).latent
    assert torch.equal(kept[:, :2], torch.zeros(1, 2, 2))
    assert torch.equal(kept[:, 2:], noised(state, 1.0, seeded()).latent[:, 2:])


def test_scale_mixes_noise_into_what_was_there() -> None:
    state = replace(fresh(), latent=torch.ones(1, 4, 2))
    noise = torch.randn(1, 4, 2, generator=seeded())
    expected = noise * 0.725 + torch.ones(1, 4, 2) * (1 - torch.tensor(0.725))
    assert_close(noised(state, 0.725, seeded()).latent, expected, rel=1e-6)
    assert torch.equal(noised(state, 0.0, seeded()).latent, state.latent)


def test_bfloat16_keeps_its_dtype_and_a_float32_mask() -> None:
    state = noised(fresh(dtype=torch.bfloat16), 0.5, seeded())
    assert state.latent.dtype == torch.bfloat16
    assert state.mask.dtype == torch.float32
    assert state.levels(0.3).dtype == torch.float32


def test_levels_are_mask_times_sigma() -> None:
    state = replace(fresh(3), mask=torch.tensor([[[1.0], [0.0], [0.5]]]))
    assert state.levels(0.5).flatten().tolist() == [0.5, 0.0, 0.25]


def test_a_prediction_uses_each_token_s_own_level() -> None:
    state = replace(fresh(2), latent=torch.ones(1, 2, 2), mask=torch.tensor([[[1.0], [0.0]]]))
    clean = clean_prediction(state, torch.ones(1, 2, 2), 0.25)
    assert clean[0, :, 0].tolist() == [0.75, 1.0]


def test_held_pulls_towards_the_clean_latent() -> None:
    state = replace(fresh(3), clean=torch.ones(1, 3, 2), mask=torch.tensor([[[1.0], [0.0], [0.5]]]))
    assert held(state, torch.zeros(1, 3, 2))[0, :, 0].tolist() == [0.0, 1.0, 0.5]


def test_a_frozen_state_is_its_clean_latent_at_level_zero() -> None:
    state = noised(fresh(), 1.0, seeded()).frozen()
    assert torch.equal(state.latent, torch.zeros(1, 4, 2))
    assert not state.levels(0.725).any()


@requires_golden
def test_only_target_positions_are_rounded_to_bfloat16() -> None:
    expected = golden("e2e_bf16")["stage1.video.positions"]
    latent = golden("e2e_bf16")["stage1.ref_video_latent"]
    _, _, frames, rows, columns = latent.shape
    state = start_state(patchify_video(latent), video_positions(frames, rows, columns, 25))
    state = Reference(latent).apply(state, Grid(frames, rows, columns, 25)).with_rounded_positions()
    assert torch.equal(state.positions, expected)


def test_rounded_positions_stay_bfloat16_where_nothing_is_appended() -> None:
    assert fresh(dtype=torch.bfloat16).with_rounded_positions().positions.dtype == torch.bfloat16
    state = fresh()
    assert torch.equal(state.with_rounded_positions().positions, state.positions)


def test_targets_are_the_first_tokens() -> None:
    state = replace(fresh(5), targets=3)
    assert state.target().shape == (1, 3, 2)


def test_parts_that_do_not_fit_are_refused() -> None:
    state = fresh()
    with pytest.raises(ValueError, match="target tokens"):
        replace(state, targets=5)
    with pytest.raises(ValueError, match="clean latent"):
        replace(state, clean=torch.zeros(1, 3, 2))
    with pytest.raises(ValueError, match="must agree"):
        replace(state, mask=torch.ones(1, 3, 1))
    with pytest.raises(ValueError, match="float32"):
        replace(state, mask=state.mask.to(torch.bfloat16))
