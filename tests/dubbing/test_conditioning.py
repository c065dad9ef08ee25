"""Conditioning items and who sees whom across streams."""

from __future__ import annotations

import pytest
import torch

from dubkit.dubbing.diffusion.conditioning import (
    Grid,
    Keyframes,
    PictureItem,
    Reference,
    Replacement,
    SoundReference,
    condition_picture,
    cross_attention,
    cross_masks,
    target_rows,
)
from dubkit.dubbing.diffusion.state import TokenState, noised, start_state
from dubkit.ltx.latents import audio_positions, patchify_video, video_positions
from tests.support.golden import assert_close, golden, requires_golden

GRID = Grid(3, 2, 4, 25.0)


def picture(latent: torch.Tensor | None = None) -> TokenState:
    latent = torch.zeros(1, 8, 3, 2, 4) if latent is None else latent
    return start_state(patchify_video(latent), video_positions(3, 2, 4, 25.0))


def sound(frames: int = 6, features: int = 32) -> TokenState:
    return start_state(torch.zeros(1, frames, features), audio_positions(frames))


@requires_golden
@pytest.mark.parametrize(
    "name", ["none", "append_idx0", "append_idx9", "append2_idx8", "append2_idx0", "replace_0_and_append"]
)
def test_states_equal_the_originals(name: str) -> None:
    unit = golden("unit_conditioning")
    one, two = unit["keyframe1"], unit["keyframe2"]
    items: dict[str, list[PictureItem]] = {
        "none": [],
        "append_idx0": [Keyframes(one, 0, 1.0)],
        "append_idx9": [Keyframes(one, 9, 0.6)],
        "append2_idx8": [Keyframes(two, 8, 1.0)],
        "append2_idx0": [Keyframes(two, 0, 0.9)],
        "replace_0_and_append": [
            Replacement(one, 0, 0.8),
            Replacement(one * 0.5, 2, 1.0),
            Keyframes(two, 16, 0.5),
        ],
    }
    state = condition_picture(picture(unit["initial_latent"]), items[name], GRID)
    assert torch.equal(state.latent, unit[f"{name}.latent"])
    assert torch.equal(state.clean, unit[f"{name}.clean_latent"])
    assert torch.equal(state.mask, unit[f"{name}.denoise_mask"])
    assert_close(state.positions, unit[f"{name}.positions"], rel=1e-6)
    noisy = noised(state, 0.725, torch.Generator().manual_seed(99))
    assert torch.equal(noisy.latent, unit[f"{name}.noised"])


@requires_golden
def test_appended_sound_and_masks_equal_the_originals() -> None:
    unit = golden("unit_conditioning")
    heard = SoundReference(unit["audio_keyframes"], 0.7).apply(sound())
    for field, value in (("latent", heard.latent), ("denoise_mask", heard.mask)):
        assert torch.equal(value, unit[f"audio_append.{field}"])
    assert_close(heard.positions, unit["audio_append.positions"], rel=1e-6)
    items = [Replacement(unit["keyframe1"]), Keyframes(unit["keyframe2"])]
    seen = condition_picture(picture(), items, GRID)
    a2v, v2a = cross_masks(seen.mask, heard.mask, torch.float32)
    assert torch.equal(a2v, unit["masks.a2v"])
    assert torch.equal(v2a, unit["masks.v2a"])


def test_rows_say_the_same_as_the_masks() -> None:
    items = [Replacement(torch.ones(1, 8, 1, 2, 4), 0, 0.01), Reference(torch.ones(1, 8, 3, 2, 4))]
    seen = condition_picture(picture(), items, GRID)
    heard = SoundReference(torch.ones(1, 2, 4, 16)).apply(sound())
    cross = cross_attention(seen.mask, heard.mask)
    # Neither the replaced first frame, at any strength, nor the reference takes part.
    assert (cross.video, cross.audio, cross.a2v_mask) == ((8, 24), (0, 6), None)
    a2v, v2a = cross_masks(seen.mask, heard.mask, torch.float32)
    allowed = torch.zeros(48, 10, dtype=torch.bool)
    allowed[slice(*cross.video), slice(*cross.audio)] = True
    assert torch.equal(a2v == 0, allowed)
    assert torch.equal(v2a == 0, allowed.T)


def test_targets_that_are_no_single_run_get_masks() -> None:
    seen = Replacement(torch.ones(1, 8, 1, 2, 4), 1).apply(picture(), GRID)
    cross = cross_attention(seen.mask, sound().mask, torch.bfloat16)
    assert (cross.video, cross.audio) == ((0, 24), (0, 6))
    assert cross.a2v_mask is not None
    assert cross.a2v_mask.dtype == torch.bfloat16
    assert torch.equal(torch.isneginf(cross.a2v_mask).all(1), ~target_rows(seen.mask))


def test_samples_with_different_kept_tokens_are_refused() -> None:
    mask = torch.ones(2, 4, 1)
    mask[0, 0] = 0.0
    with pytest.raises(ValueError, match="one by one"):
        target_rows(mask)


def test_cutting_to_targets_removes_everything_appended() -> None:
    latent = torch.randn(1, 8, 3, 2, 4)
    state = condition_picture(picture(latent), [Reference(latent), Keyframes(latent[:, :, :1], 8)], GRID)
    assert state.latent.shape[1] == 24 + 24 + 8
    assert torch.equal(state.target(), patchify_video(latent))


def test_a_small_reference_is_stretched_over_the_target() -> None:
    state = Reference(torch.zeros(1, 8, 3, 1, 2), scale=2).apply(picture(), GRID)
    own, reference = state.positions[:, :, :24], state.positions[:, :, 24:]
    assert torch.equal(own.amax((2, 3)), reference.amax((2, 3)))
    assert torch.equal(own[:, 0].unique(), reference[:, 0].unique())


def test_sound_may_be_placed_elsewhere_in_time() -> None:
    earlier = audio_positions(4) - 1.0
    state = SoundReference(torch.zeros(1, 2, 4, 16), positions=earlier).apply(sound())
    assert torch.equal(state.positions[:, :, 6:], earlier)


def test_items_leave_the_state_they_are_applied_to_alone() -> None:
    state = picture()
    Replacement(torch.ones(1, 8, 1, 2, 4)).apply(state, GRID)
    assert not state.latent.any()
    assert bool((state.mask == 1).all())


def test_items_follow_the_state_s_dtype() -> None:
    state = start_state(torch.zeros(1, 24, 8, dtype=torch.bfloat16), video_positions(3, 2, 4, 25.0))
    after = Reference(torch.ones(1, 8, 3, 2, 4)).apply(state, GRID)
    assert after.latent.dtype == torch.bfloat16
    assert after.mask.dtype == torch.float32


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (Replacement(torch.zeros(1, 8, 1, 2, 3)), "2x3 latents does not fit a target of 2x4"),
        (Replacement(torch.zeros(1, 8, 2, 2, 4), 2), "not all within the target's 3"),
        (Replacement(torch.zeros(1, 8, 1, 2, 4), -1), "not all within"),
        (Replacement(torch.zeros(1, 8, 1, 2, 4), 0, 1.5), r"strength .* 1\.5"),
        (Keyframes(torch.zeros(1, 8, 1, 2, 4), 0, -0.1), r"strength .* -0\.1"),
        (Reference(torch.zeros(1, 4, 1, 2, 4)), "1 x 4 values"),
        (Reference(torch.zeros(1, 8, 1, 2, 4), scale=0), "scaled down 0 times"),
    ],
)
def test_items_that_do_not_fit_are_refused(item: PictureItem, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        item.apply(picture(), GRID)
