"""Latent grids, tokens and positions."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch

from dubkit.ltx.latents import (
    audio_latents,
    audio_positions,
    latent_frames,
    latent_size,
    patchify_audio,
    patchify_video,
    quantised_positions,
    unpatchify_audio,
    unpatchify_video,
    video_bounds,
    video_positions,
)
from tests.support.golden import golden, requires_golden


@requires_golden
def test_tokens_equal_the_reference_and_go_back() -> None:
    stored = golden("unit_patchify")
    assert torch.equal(patchify_video(stored["video.latent"]), stored["video.tokens"])
    assert torch.equal(unpatchify_video(stored["video.tokens"], 3, 2, 4), stored["video.latent"])
    assert torch.equal(patchify_audio(stored["audio.latent"]), stored["audio.tokens"])
    assert torch.equal(unpatchify_audio(stored["audio.tokens"], 2), stored["audio.latent"])


@requires_golden
def test_positions_equal_the_reference() -> None:
    stored, rope = golden("unit_patchify"), golden("unit_rope")
    assert torch.equal(video_bounds(3, 2, 4), stored["video.pixel_bounds_causal"])
    assert torch.equal(video_bounds(3, 2, 4, causal=False), stored["video.pixel_bounds_plain"])
    assert torch.equal(audio_positions(12), stored["audio.bounds_12"])
    assert torch.equal(audio_positions(6, first=3), stored["audio.bounds_shift3"])
    assert torch.equal(video_positions(3, 2, 4, 25), rope["positions_video"])


@pytest.mark.parametrize(
    ("frames", "rate", "expected"),
    [(17, 25, 17), (121, 24, 126), (121, 25, 121), (97, 30, 81), (49, Fraction(24000, 1001), 51)],
)
def test_sound_length_follows_the_stock_rule(frames: int, rate: Fraction, expected: int) -> None:
    assert audio_latents(frames, rate) == expected


def test_first_latent_frame_stands_for_one_frame() -> None:
    times = video_positions(3, 1, 1, 25)[0, 0]
    torch.testing.assert_close(times * 25, torch.tensor([[0.0, 1.0], [1.0, 9.0], [9.0, 17.0]]))


def test_a_key_frame_later_in_the_clip_is_not_corrected_for_causality() -> None:
    times = video_positions(2, 1, 1, 25, causal=False, first=8)[0, 0]
    torch.testing.assert_close(times * 25, torch.tensor([[8.0, 16.0], [16.0, 24.0]]))


@pytest.mark.parametrize("frames", [0, 2, 8, 10, 120])
def test_frames_off_the_grid_are_refused_with_the_nearest_lengths(frames: int) -> None:
    with pytest.raises(ValueError, match=rf"8k\+1 frames, not {frames}; use \d+ or \d+"):
        latent_frames(frames)


def test_lengths_on_the_grid() -> None:
    assert [latent_frames(n) for n in (1, 9, 17, 121, 257)] == [1, 2, 3, 16, 33]


@pytest.mark.parametrize(("size", "name", "near"), [((500, 768), "height", 512), ((512, 0), "width", 32)])
def test_sizes_off_the_grid_are_refused_with_the_nearest_size(
    size: tuple[int, int], name: str, near: int
) -> None:
    with pytest.raises(ValueError, match=rf"{name} is a multiple of 32 .* {near} is the nearest"):
        latent_size(*size)


def test_bfloat16_rounds_targets_only_when_something_is_appended() -> None:
    twins = torch.cat([video_positions(16, 1, 1, 25)] * 2, dim=2)
    rounded = quantised_positions(twins, 16, torch.bfloat16)
    assert rounded.dtype == torch.float32
    assert torch.equal(rounded[:, :, 16:], twins[:, :, 16:])
    assert rounded[0, 0, 0, 1].item() == 0.0400390625
    assert rounded[0, 0, 1, 1].item() == 0.359375
    assert (rounded - twins).abs().max() < 0.0126
    alone = quantised_positions(twins[:, :, :16], 16, torch.bfloat16)
    assert alone.dtype == torch.bfloat16


@requires_golden
def test_bfloat16_positions_equal_the_reference() -> None:
    stored = golden("e2e_bf16")["stage1.video.positions"]
    half = stored.shape[2] // 2
    frames, rows, columns = golden("e2e_bf16")["stage1.final_video_latent"].shape[2:]
    exact = torch.cat([video_positions(frames, rows, columns, 25)] * 2, dim=2)
    assert torch.equal(quantised_positions(exact, half, torch.bfloat16), stored)
