"""The joint transformer against the original's numbers, and against itself without its savings."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from benchmarks.ltx.models import TINY, Size, make_inputs, ours
from benchmarks.ltx.references import diffusers_model, reference, run_diffusers, run_reference
from dubkit.ltx.block import Cross, Skip
from dubkit.ltx.config import FIXED, TransformerConfig, read_transformer
from dubkit.ltx.modulation import Levels
from dubkit.ltx.transformer import AVTransformer, Generation, Text, Tokens
from tests.support.golden import assert_close, checkpoint_config, checkpoint_tensors, golden, requires_golden

ODD = Size("odd", 3, 3, 24, 12, 12, 7, (2, 3, 5), 9)
requires_upstream = pytest.mark.skipif(
    importlib.util.find_spec("ltx_core") is None,
    reason="ltx-core is not installed; it is for comparison only",
)


def load(change: Callable[[TransformerConfig], TransformerConfig] = lambda c: c) -> AVTransformer:
    model = AVTransformer(change(read_transformer(checkpoint_config())))
    weights = checkpoint_tensors("model.diffusion_model.")
    model.load_state_dict({k: v for k, v in weights.items() if "embeddings_connector" not in k})
    return model.requires_grad_(False)


def run_stored(model: AVTransformer, **options: Any) -> tuple[Tensor, Tensor]:
    stored, rope = golden("unit_transformer"), golden("unit_rope")
    levels = [stored[f"in.{name}_timesteps"] for name in ("video", "audio")]
    if level := options.pop("uniform", None):
        levels = [torch.full_like(t, level) for t in levels]
    return model(  # type: ignore[no-any-return]
        Tokens(stored["in.video_latent"], Levels.of(levels[0])),
        Tokens(stored["in.audio_latent"], Levels.of(levels[1])),
        model.text(stored["in.video_context"], stored["in.audio_context"]),
        model.rotations(rope["positions_video"], rope["positions_audio"]),
        **options,
    )


def assert_velocities(found: tuple[Tensor, Tensor], name: str) -> None:
    stored = golden("unit_transformer")
    assert_close(found[0], stored[f"{name}.video"][:1])
    assert_close(found[1], stored[f"{name}.audio"][:1])


@requires_golden
def test_velocities_equal_the_reference() -> None:
    assert_velocities(run_stored(load()), "plain")


@requires_golden
def test_every_block_equals_the_reference() -> None:
    model, stored = load(), golden("unit_transformer")
    found: dict[str, Tensor] = {}
    for index, block in enumerate(model.transformer_blocks):

        def keep(_: object, args: tuple[Tensor, ...], __: object, index: int = index) -> None:
            found[f"plain.block{index}.video"], found[f"plain.block{index}.audio"] = (
                x.clone() for x in args[:2]
            )

        block.register_forward_hook(keep)
    run_stored(model)
    for name, tensor in found.items():
        assert_close(tensor, stored[name])
    assert len(found) == 2 * len(model.transformer_blocks)


@requires_golden
def test_masks_equal_the_reference() -> None:
    stored = golden("unit_transformer")
    cross = Cross((0, 24), (0, 12), stored["in.mask_a2v"], stored["in.mask_v2a"])
    assert_velocities(run_stored(load(), cross=cross), "masked")


@requires_golden
def test_attending_on_target_rows_equals_the_reference_masks() -> None:
    seen = (golden("unit_transformer")["in.mask_a2v"] == 0).nonzero()
    video, audio = ((int(seen[:, i].min()), int(seen[:, i].max()) + 1) for i in (0, 1))
    assert_velocities(run_stored(load(), cross=Cross(video, audio)), "masked")


@requires_golden
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("uniform_t", {"uniform": 0.725}),
        ("skip_self_block1", {"skip": {1: Skip(video_self=True, audio_self=True)}}),
        ("skip_cross_all", {"skip": {i: Skip(across=True) for i in range(3)}}),
        ("batch2_skip", {"skip": {i: Skip(video_self=True) for i in (0, 2)}}),
    ],
)
def test_variants_equal_the_reference(name: str, options: dict[str, Any]) -> None:
    assert_velocities(run_stored(load(), **options), name)


@requires_golden
def test_gate_scale_and_rotation_are_read_from_the_configuration() -> None:
    assert_velocities(run_stored(load(lambda c: replace(c, av_gate_timestep_scale=1))), "av_ca_multiplier_1")
    assert_velocities(
        run_stored(load(lambda c: replace(c, rope="interleaved", float64_grid=False))), "rope_interleaved"
    )


@requires_upstream
@pytest.mark.parametrize("newer", [False, True], ids=["19B", "2.3"])
@pytest.mark.parametrize("size", [TINY, ODD], ids=["tiny", "odd"])
def test_generation_b_equals_the_published_package(size: Size, newer: bool) -> None:
    model, inputs = ours(size, 5, newer=newer), make_inputs(size, 6, newer=newer)
    expected = run_reference(reference(size, model.state_dict(), newer=newer), inputs, 0.7, 0.4)
    found = model(
        Tokens(inputs.video, Levels.of(inputs.video_mask).scaled(0.7), 0.7),
        Tokens(inputs.audio, Levels.of(inputs.audio_mask).scaled(0.4), 0.4),
        model.text(inputs.video_text, inputs.audio_text),
        model.rotations(inputs.video_positions, inputs.audio_positions),
        generation="B",
    )
    for ours_, theirs in zip(found, expected, strict=True):
        assert_close(ours_, theirs, 2e-6)


@pytest.mark.skipif(
    importlib.util.find_spec("diffusers") is None,
    reason="diffusers is not installed; it is for comparison",
)
@pytest.mark.parametrize("size", [TINY, ODD], ids=["tiny", "odd"])
def test_generation_a_equals_diffusers(size: Size) -> None:
    model, inputs = ours(size, 5), make_inputs(size, 6)
    expected = run_diffusers(diffusers_model(size, model.state_dict()), inputs, 0.7)
    found = model(
        Tokens(inputs.video, Levels.of(inputs.video_mask).scaled(0.7)),
        Tokens(inputs.audio, Levels.of(inputs.audio_mask).scaled(0.7)),
        model.text(inputs.video_text, inputs.audio_text),
        model.rotations(inputs.video_positions, inputs.audio_positions),
    )
    for ours_, theirs in zip(found, expected, strict=True):
        assert_close(ours_, theirs, 1e-5)


def run(
    model: AVTransformer,
    *,
    seed: int = 2,
    sigmas: tuple[float, float] = (0.7, 0.7),
    generation: Generation = "A",
    cross: Cross | None = None,
    text: Text | None = None,
    **options: Any,
) -> tuple[Tensor, Tensor]:
    inputs = make_inputs(ODD, seed, newer=model.config.text_modulation)
    return model(  # type: ignore[no-any-return]
        Tokens(inputs.video, Levels.of(inputs.video_mask).scaled(sigmas[0]), sigmas[0]),
        Tokens(inputs.audio, Levels.of(inputs.audio_mask).scaled(sigmas[1]), sigmas[1]),
        text or model.text(inputs.video_text, inputs.audio_text),
        model.rotations(inputs.video_positions, inputs.audio_positions),
        generation=generation,
        cross=cross,
        **options,
    )


def target_masks() -> tuple[Cross, Cross]:
    inputs = make_inputs(ODD, 2)
    video, audio = inputs.video_mask == 1, inputs.audio_mask == 1
    mask = torch.where(video[:, None] & audio[None], 0.0, float("-inf"))
    whole = (0, video.numel()), (0, audio.numel())
    return Cross(*inputs.targets), Cross(*whole, mask, mask.t())


def test_target_rows_alone_equal_the_masked_form() -> None:
    model = ours(ODD, 1)
    rows, masks = target_masks()
    for ours_, masked in zip(run(model, cross=rows), run(model, cross=masks), strict=True):
        # The same sums in kernels of another length: a few units in the last place.
        assert_close(ours_, masked, 2e-6)


def test_excluded_tokens_still_get_the_gated_bias() -> None:
    model = ours(ODD, 1)
    rows, _ = target_masks()
    with_bias = run(model, cross=rows)[0]
    for block in model.transformer_blocks:
        block.audio_to_video_attn.to_out[0].bias.zero_()  # type: ignore[union-attr, index]
    assert (run(model, cross=rows)[0] - with_bias).abs().max() > 1e-3


@pytest.mark.parametrize("sigmas", [(0.7, 0.7), (0.7, 0.0)])
def test_generations_differ_where_levels_do(sigmas: tuple[float, float]) -> None:
    model = ours(ODD, 1)
    results = {g: run(model, generation=g, sigmas=sigmas)[0] for g in ("A", "B", "C")}  # type: ignore[arg-type]
    for one, other in (("A", "B"), ("A", "C"), ("B", "C")):
        assert (results[one] - results[other]).abs().max() > 1e-3


def test_generations_agree_without_conditioning() -> None:
    model = ours(ODD, 1)
    inputs = make_inputs(ODD, 2, references=False)
    text = model.text(inputs.video_text, inputs.audio_text)
    rotations = model.rotations(inputs.video_positions, inputs.audio_positions)
    video = Tokens(inputs.video, Levels.of(inputs.video_mask).scaled(0.5), 0.5)
    audio = Tokens(inputs.audio, Levels.of(inputs.audio_mask).scaled(0.5), 0.5)
    results = [model(video, audio, text, rotations, generation=g)[0] for g in ("A", "B", "C")]
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])


def test_cached_text_equals_text_computed_in_every_pass() -> None:
    model, inputs = ours(ODD, 1), make_inputs(ODD, 2)
    fresh = model.text(inputs.video_text, inputs.audio_text, blocks=())
    assert not fresh.keys
    for cached, computed in zip(run(model), run(model, text=fresh), strict=True):
        assert torch.equal(cached, computed)


def test_text_that_depends_on_the_noise_level_is_not_cached() -> None:
    model = ours(ODD, 1, newer=True)
    inputs = make_inputs(ODD, 2, newer=True)
    assert not model.text(inputs.video_text, inputs.audio_text).keys


def test_inputs_and_repeated_passes_are_untouched() -> None:
    model, inputs = ours(ODD, 1), make_inputs(ODD, 2)
    before = inputs.video.clone()
    text = model.text(inputs.video_text, inputs.audio_text)
    rotations = model.rotations(inputs.video_positions, inputs.audio_positions)
    video = Tokens(inputs.video, Levels.of(inputs.video_mask))
    audio = Tokens(inputs.audio, Levels.of(inputs.audio_mask))
    first, second = (model(video, audio, text, rotations) for _ in range(2))
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    assert torch.equal(inputs.video, before)


def test_both_samples_of_a_batch_get_what_one_gets() -> None:
    model, inputs = ours(ODD, 1), make_inputs(ODD, 2)
    single = run(model)
    double = model(
        Tokens(inputs.video.repeat(2, 1, 1), Levels.of(inputs.video_mask).scaled(0.7)),
        Tokens(inputs.audio.repeat(2, 1, 1), Levels.of(inputs.audio_mask).scaled(0.7)),
        model.text(inputs.video_text.repeat(2, 1, 1), inputs.audio_text.repeat(2, 1, 1)),
        model.rotations(inputs.video_positions, inputs.audio_positions),
    )
    for one, two in zip(single, double, strict=True):
        assert_close(two, one.repeat(2, 1, 1), 2e-6)


def test_bfloat16_follows_float32() -> None:
    model, inputs = ours(ODD, 1), make_inputs(ODD, 2)
    exact = run(model)[0]
    model.bfloat16()
    rough = model(
        Tokens(inputs.video.bfloat16(), Levels.of(inputs.video_mask).scaled(0.7)),
        Tokens(inputs.audio.bfloat16(), Levels.of(inputs.audio_mask).scaled(0.7)),
        model.text(inputs.video_text.bfloat16(), inputs.audio_text.bfloat16()),
        model.rotations(inputs.video_positions, inputs.audio_positions),
    )[0]
    assert rough.dtype == torch.bfloat16
    assert ((rough.float() - exact).norm() / exact.norm()).item() < 0.05


def test_tokens_that_do_not_fit_are_refused_with_their_numbers() -> None:
    model, inputs = ours(ODD, 1), make_inputs(ODD, 2)
    text = model.text(inputs.video_text, inputs.audio_text)
    rotations = model.rotations(inputs.video_positions, inputs.audio_positions)
    video = Tokens(inputs.video, Levels.of(inputs.video_mask))
    audio = Tokens(inputs.audio, Levels.of(inputs.audio_mask))
    with pytest.raises(ValueError, match=r"picture tokens are .* expected \[B, T, 12\]"):
        model(Tokens(inputs.video[..., :3], video.levels), audio, text, rotations)
    with pytest.raises(ValueError, match="59 picture tokens, 60 noise levels and 60 positions"):
        model(Tokens(inputs.video[:, 1:], video.levels), audio, text, rotations)
    with pytest.raises(ValueError, match="18 sound tokens, 9 noise levels and 18 positions"):
        model(video, Tokens(inputs.audio, Levels.uniform(1.0, 9)), text, rotations)


@pytest.mark.parametrize(
    "key", ["rope_type", "frequencies_precision", "av_ca_timestep_scale_multiplier", "num_layers", "dropout"]
)
def test_a_missing_field_is_an_error_not_a_default(key: str) -> None:
    published = TINY.published()
    del published["transformer"][key]
    with pytest.raises(ValueError, match=f"lacks transformer.{key}"):
        read_transformer(published)


def test_variants_that_are_not_implemented_are_refused() -> None:
    published = TINY.published()
    for key in FIXED:
        changed = {"transformer": {**published["transformer"], key: "other"}}
        with pytest.raises(ValueError, match=f"{key} is 'other'; only"):
            read_transformer(changed)
    with pytest.raises(ValueError, match="rope_type is 'other'; known: split, interleaved"):
        read_transformer({"transformer": {**published["transformer"], "rope_type": "other"}})
    with pytest.raises(ValueError, match="no object 'transformer'"):
        read_transformer({})


def test_published_size_of_the_19b_transformer() -> None:
    published = replace(
        ODD, layers=48, heads=32, video_head_dim=128, audio_head_dim=64, channels=128
    ).published()
    published["transformer"]["caption_channels"] = 3840
    with torch.device("meta"):
        model = AVTransformer(read_transformer(published))
    assert len(model.state_dict()) == 3510
    assert sum(p.numel() for p in model.parameters()) == 18_876_174_592
