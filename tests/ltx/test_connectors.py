"""Text features and connectors: normalisation, projection, registers, and how the file describes them."""

from __future__ import annotations

from typing import Any, TypeVar

import pytest
import torch
from torch import Tensor, nn

from dubkit.ltx.config import ConnectorConfig, TextConfig, read_text
from dubkit.ltx.connectors import Connector, fill_with_registers
from dubkit.ltx.features import FeaturesV1, FeaturesV2, build_features, normalize_range, normalize_rms
from tests.support.golden import assert_close, checkpoint_config, checkpoint_tensors, golden, requires_golden
from tests.support.upstream import import_upstream

M = TypeVar("M", bound=nn.Module)
WIDTH, LAYERS = 32, 5


def connector_config(**changes: Any) -> ConnectorConfig:
    values: dict[str, Any] = {
        "heads": 4,
        "head_dim": 8,
        "layers": 2,
        "registers": 8,
        "max_position": 4096,
        "rope": "split",
        "float64_grid": True,
    }
    return ConnectorConfig(**{**values, **changes})


def filled(module: M, seed: int = 0) -> M:
    """Fill by sorted name, norms near 1."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in sorted(module.state_dict().items()):
        drawn = torch.randn(value.shape, generator=generator)
        value.copy_(1 + 0.1 * drawn if "norm" in name else 0.2 * drawn)
    return module.requires_grad_(False)


def hidden_states(batch: int = 1, tokens: int = 12, seed: int = 1) -> Tensor:
    """Random hidden states [B, T, W, L] whose layers have very different scales."""
    generator = torch.Generator().manual_seed(seed)
    scale = torch.logspace(-1, 2, LAYERS)
    return torch.randn(batch, tokens, WIDTH, LAYERS, generator=generator) * scale + scale / 3


def left_mask(tokens: int, *own: int) -> Tensor:
    return torch.stack([torch.arange(tokens) >= tokens - n for n in own])


# Normalisation


@requires_golden
@pytest.mark.parametrize("side", ["left", "right"])
def test_range_normalisation_is_the_originals_on_either_padding_side(side: str) -> None:
    reference = golden("unit_text")
    position, own = torch.arange(12), reference["norm.lengths"].unsqueeze(1)
    mask = position >= 12 - own if side == "left" else position < own
    assert_close(normalize_range(reference["norm.hidden"], mask), reference[f"norm.{side}"], rel=1e-6)


@pytest.mark.parametrize("normalize", [normalize_range, normalize_rms])
def test_flat_features_run_feature_by_feature_with_all_layers_of_each(normalize: Any) -> None:
    hidden, mask = hidden_states(), torch.ones(1, 12)
    whole = normalize(hidden, mask).unflatten(-1, (WIDTH, LAYERS))
    for layer in range(LAYERS):
        alone = normalize(hidden[..., layer : layer + 1], mask)
        assert_close(whole[..., layer], alone, rel=1e-6)


@pytest.mark.parametrize("normalize", [normalize_range, normalize_rms])
def test_padding_neither_counts_nor_comes_through_whatever_it_holds(normalize: Any) -> None:
    hidden, mask = hidden_states(2), left_mask(12, 7, 12)
    clean = normalize(hidden, mask)
    hidden[0, :5] = float("nan")
    assert torch.equal(normalize(hidden, mask), clean)
    assert not clean[0, :5].any()


@pytest.mark.parametrize("normalize", [normalize_range, normalize_rms])
def test_prompts_of_a_batch_are_normalised_on_their_own(normalize: Any) -> None:
    hidden, mask = hidden_states(2), left_mask(12, 7, 12)
    together = normalize(hidden, mask)
    for row in range(2):
        assert_close(together[row : row + 1], normalize(hidden[row : row + 1], mask[row : row + 1]), rel=1e-6)


def test_a_mask_of_another_length_is_refused_with_both_shapes() -> None:
    with pytest.raises(ValueError, match=r"\(1, 12, 32, 5\) with a mask \(1, 11\)"):
        normalize_range(hidden_states(), torch.ones(1, 11))


# Projection


def upstream_features(version: int, ours: nn.Module) -> Any:
    upstream = import_upstream("ltx_core.text_encoders.gemma.feature_extractor")
    if version == 1:
        theirs = upstream.FeatureExtractorV1(nn.Linear(WIDTH * LAYERS, WIDTH, bias=False), is_av=True)
    else:
        video, audio = nn.Linear(WIDTH * LAYERS, 48), nn.Linear(WIDTH * LAYERS, 24)
        theirs = upstream.FeatureExtractorV2(video, WIDTH, audio)
    theirs.load_state_dict(ours.state_dict())
    return theirs


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    ("version", "module"), [(1, FeaturesV1(WIDTH, LAYERS, WIDTH)), (2, FeaturesV2(WIDTH, LAYERS, 48, 24))]
)
def test_features_equal_the_published_package_to_the_bit(
    version: int, module: nn.Module, dtype: torch.dtype
) -> None:
    """The rounding of every step is the original's too, which bfloat16 shows."""
    ours = filled(module).to(dtype)
    theirs = upstream_features(version, ours).to(dtype)
    hidden, mask = hidden_states().to(dtype), left_mask(12, 7)
    with torch.no_grad():
        for actual, expected in zip(ours(hidden, mask), theirs(hidden, mask.long()), strict=True):
            assert actual.dtype == dtype
            assert torch.equal(actual[:, 5:], expected[:, 5:])


@pytest.mark.parametrize(
    ("version", "names"),
    [
        (1, {"aggregate_embed.weight"}),
        (2, {f"{m}_aggregate_embed.{p}" for m in ("video", "audio") for p in ("weight", "bias")}),
    ],
)
def test_projection_has_the_published_names_and_needs_no_memory_to_build(
    version: Any, names: set[str]
) -> None:
    sound = connector_config(head_dim=4)
    with torch.device("meta"):
        module = build_features(TextConfig(version, connector_config(), sound), 3840, 49)
    assert set(module.state_dict()) == names
    assert {value.device.type for value in module.state_dict().values()} == {"meta"}


# Registers


def test_own_rows_move_to_the_front_in_order_wherever_they_are() -> None:
    features = torch.arange(8.0).view(1, 8, 1)
    mask = torch.tensor([[0, 1, 0, 0, 1, 1, 0, 0]])
    registers = -torch.ones(8, 1)
    assert fill_with_registers(features, mask, registers).flatten().tolist() == [1, 4, 5, *[-1] * 5]


def test_register_index_is_the_position_modulo_their_number() -> None:
    registers = torch.arange(4.0).view(4, 1)
    filled_in = fill_with_registers(torch.full((1, 12, 1), 9.0), left_mask(12, 3), registers)
    assert filled_in.flatten().tolist() == [9, 9, 9, 3, 0, 1, 2, 3, 0, 1, 2, 3]


def test_prompts_of_different_length_may_share_a_batch() -> None:
    features, registers = torch.randn(3, 16, 32), torch.randn(8, 32)
    mask = left_mask(16, 3, 16, 9)
    together = fill_with_registers(features, mask, registers)
    for row in range(3):
        alone = fill_with_registers(features[row : row + 1], mask[row : row + 1], registers)
        assert torch.equal(together[row : row + 1], alone)


def test_a_length_that_registers_do_not_divide_is_refused_with_one_that_they_do() -> None:
    with pytest.raises(ValueError, match=r"20 positions, no multiple of 8 registers; pad it to 24"):
        fill_with_registers(torch.zeros(1, 20, 32), torch.ones(1, 20), torch.zeros(8, 32))


def test_a_text_mask_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"mask is \(1, 8\); features are \(1, 16, 32\)"):
        fill_with_registers(torch.zeros(1, 16, 32), torch.ones(1, 8), torch.zeros(8, 32))


# Connectors


@requires_golden
@pytest.mark.parametrize("modality", ["video", "audio"])
def test_connector_gives_the_originals_numbers(modality: str) -> None:
    reference, config = golden("unit_text"), read_text(checkpoint_config())
    connector = Connector(getattr(config, modality)).requires_grad_(False)
    connector.load_state_dict(checkpoint_tensors(f"model.diffusion_model.{modality}_embeddings_connector."))
    features, mask = reference["connector.features"], reference["connector.attention_mask"]
    if modality == "video":
        rows = fill_with_registers(features, mask, connector.learnable_registers)
        assert torch.equal(rows, reference["connector.video_input"])
    assert_close(connector(features, mask), reference[f"connector.{modality}"])


@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize("rope", ["split", "interleaved"])
@pytest.mark.parametrize("layers", [1, 3])
def test_connector_equals_the_published_package(gated: bool, rope: Any, layers: int) -> None:
    upstream = import_upstream("ltx_core.text_encoders.gemma.embeddings_connector")
    kinds = import_upstream("ltx_core.model.transformer.rope").LTXRopeType
    gemma = import_upstream("ltx_core.text_encoders.gemma")
    config = connector_config(gated_attention=gated, rope=rope, layers=layers, heads=6, registers=16)
    ours = filled(Connector(config), seed=3)
    theirs = upstream.Embeddings1DConnector(
        attention_head_dim=config.head_dim,
        num_attention_heads=config.heads,
        num_layers=config.layers,
        positional_embedding_max_pos=[config.max_position],
        num_learnable_registers=config.registers,
        rope_type=kinds(rope),
        double_precision_rope=True,
        apply_gated_attention=gated,
    ).float()
    theirs.load_state_dict(ours.state_dict())
    features, mask = torch.randn(1, 48, config.width), left_mask(48, 21)
    with torch.no_grad():
        expected, _ = theirs(features, gemma.convert_to_additive_mask(mask.long(), torch.float32))
        assert_close(ours(features, mask), expected)


def test_registers_behind_the_prompt_are_attended() -> None:
    connector, features, mask = (
        filled(Connector(connector_config())),
        torch.randn(1, 16, 32),
        left_mask(16, 3),
    )
    before = connector(features, mask)
    connector.learnable_registers[5] += 1.0
    assert not torch.allclose(connector(features, mask)[:, :3], before[:, :3], atol=1e-3)


def test_what_padding_holds_does_not_reach_the_context() -> None:
    connector, features, mask = (
        filled(Connector(connector_config())),
        torch.randn(1, 16, 32),
        left_mask(16, 3),
    )
    before = connector(features, mask)
    features[:, :13] = 7.0
    assert torch.equal(connector(features, mask), before)


def test_contexts_of_a_batch_are_those_of_its_prompts() -> None:
    connector, features = filled(Connector(connector_config())), torch.randn(2, 16, 32)
    mask = left_mask(16, 3, 11)
    together = connector(features, mask)
    for row in range(2):
        assert_close(together[row : row + 1], connector(features[row : row + 1], mask[row : row + 1]))


def test_connector_builds_on_the_meta_device() -> None:
    with torch.device("meta"):
        connector = Connector(connector_config(heads=30, head_dim=128, registers=128))
    assert {value.device.type for value in connector.state_dict().values()} == {"meta"}
    assert not list(connector.buffers())


# What the file says


def fields(**changes: Any) -> dict[str, Any]:
    values = {
        "connector_num_attention_heads": 30,
        "connector_attention_head_dim": 128,
        "connector_num_layers": 2,
        "connector_num_learnable_registers": 128,
        "connector_positional_embedding_max_pos": [4096],
        "rope_type": "split",
        "frequencies_precision": "float64",
    }
    return {"transformer": {key: v for key, v in {**values, **changes}.items() if v is not None}}


def test_the_sound_connector_has_the_pictures_sizes_unless_it_has_its_own() -> None:
    plain = read_text(fields())
    assert (plain.version, plain.video, plain.video.width) == (1, plain.audio, 3840)
    changes = {"audio_connector_attention_head_dim": 64, "audio_connector_num_layers": 8}
    own = read_text(fields(connector_num_attention_heads=32, **changes))
    assert (own.video.width, own.audio.width, own.video.layers, own.audio.layers) == (4096, 2048, 2, 8)


def test_the_second_generation_is_known_by_where_the_captions_are_projected() -> None:
    config = read_text(fields(caption_proj_before_connector=True, connector_apply_gated_attention=True))
    assert (config.version, config.video.gated_attention, config.audio.gated_attention) == (2, True, True)


def test_the_connectors_rotary_base_does_not_follow_the_transformers() -> None:
    assert read_text(fields(positional_embedding_theta=500.0)).video.theta == 10000.0


@pytest.mark.parametrize(
    "key",
    [
        "connector_positional_embedding_max_pos",
        "connector_num_layers",
        "rope_type",
        "frequencies_precision",
    ],
)
def test_fields_whose_default_in_the_original_is_wrong_must_be_there(key: str) -> None:
    with pytest.raises(ValueError, match=rf"lacks transformer\.{key}"):
        read_text(fields(**{key: None}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"caption_proj_input_norm": True}, "caption_proj_input_norm is True; only False"),
        ({"text_encoder_norm_type": "batch"}, "text_encoder_norm_type is 'batch'; known: per_token_rms"),
    ],
)
def test_text_paths_that_nobody_has_released_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_text(fields(caption_proj_before_connector=True, **changes))


def test_positions_of_more_than_one_axis_are_refused() -> None:
    with pytest.raises(ValueError, match=r"max_pos is \[20, 2048\]; text has one axis"):
        read_text(fields(connector_positional_embedding_max_pos=[20, 2048]))
