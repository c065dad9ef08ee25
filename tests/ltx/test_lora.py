"""LoRA fusion: the order of its roundings, what is reported, and files of other models."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from dubkit.ltx.config import read_transformer
from dubkit.ltx.lora import Fusion, LoRA, reference_downscale
from dubkit.ltx.transformer import AVTransformer
from dubkit.ltx.weights import Checkpoint, load
from tests.support.golden import CHECKPOINT, GOLDEN, assert_close, checkpoint_config, golden, requires_golden

DUB = GOLDEN / "models" / "tiny-justdubit-lora.safetensors"
DISTILLED = GOLDEN / "models" / "tiny-distilled-lora.safetensors"
TRANSFORMER = "model.diffusion_model."
CONNECTORS = (f"{TRANSFORMER}video_embeddings_connector.", f"{TRANSFORMER}audio_embeddings_connector.")


def halves(layer: str, inputs: int, outputs: int, rank: int = 2) -> dict[str, Tensor]:
    return {
        f"diffusion_model.{layer}.lora_A.weight": torch.randn(rank, inputs),
        f"diffusion_model.{layer}.lora_B.weight": torch.randn(outputs, rank),
    }


def write(path: Path, content: dict[str, Tensor], **metadata: str) -> Path:
    save_file(content, path, metadata or None)
    return path


@pytest.fixture
def module() -> nn.Module:
    torch.manual_seed(0)
    return nn.ModuleDict({"first": nn.Linear(4, 3), "second": nn.Linear(3, 2)})


def reference_transformer(loras: list[LoRA], dtype: torch.dtype) -> tuple[AVTransformer, Fusion]:
    with torch.device("meta"):
        network = AVTransformer(read_transformer(checkpoint_config()))
    fusion = Fusion(loras, network, dtype)
    load(network, Checkpoint(CHECKPOINT), TRANSFORMER, "cpu", dtype, ignore=CONNECTORS, change=fusion)
    return network, fusion


@requires_golden
@pytest.mark.parametrize("stage", ["stage1", "stage2"])
def test_fused_weights_of_both_stages_are_the_reference(stage: str) -> None:
    loras = [LoRA(DUB), LoRA(DISTILLED)][: int(stage[-1])]
    network, fusion = reference_transformer(loras, torch.float32)
    expected = {k.removeprefix(f"{stage}."): v for k, v in golden("unit_lora").items() if k.startswith(stage)}
    assert len(expected) == 5
    for name, weight in expected.items():
        assert_close(network.get_parameter(name), weight, rel=1e-6)
    assert [report.fused for report in fusion.reports] == [84, 110][: len(loras)]
    assert not any(report.unmatched for report in fusion.reports)


@requires_golden
@pytest.mark.parametrize(("kind", "dtype"), [("fuse_f32", torch.float32), ("fuse_bf16", torch.bfloat16)])
def test_strengths_are_applied_in_the_dtype_of_the_file(
    tmp_path: Path, kind: str, dtype: torch.dtype
) -> None:
    for path in (DUB, DISTILLED):
        save_file({key: tensor.to(dtype) for key, tensor in load_file(path).items()}, tmp_path / path.name)
    network, _ = reference_transformer(
        [LoRA(tmp_path / DUB.name, 0.7), LoRA(tmp_path / DISTILLED.name, 0.4)], dtype
    )
    for name in ("transformer_blocks.0.attn1.to_q.weight", "proj_out.weight"):
        expected = golden("unit_lora")[f"{kind}.{name}"]
        if dtype == torch.bfloat16:
            assert torch.equal(network.get_parameter(name), expected)
        else:
            assert_close(network.get_parameter(name), expected, rel=1e-6)


@requires_golden
def test_float32_loras_on_bfloat16_weights_round_as_the_original() -> None:
    network, _ = reference_transformer([LoRA(DUB), LoRA(DISTILLED)], torch.bfloat16)
    for name in ("transformer_blocks.0.attn1.to_q.weight", "proj_out.weight"):
        assert torch.equal(network.get_parameter(name), golden("e2e_bf16")[f"stage2.{name}"])


def test_products_are_summed_before_they_meet_the_weight(tmp_path: Path, module: nn.Module) -> None:
    """In bfloat16 1 + 2**-8 + 2**-8 depends on the order: summed first, the small parts survive."""
    layer = {"diffusion_model.first.lora_A.weight": torch.ones(1, 4)}
    layer["diffusion_model.first.lora_B.weight"] = torch.full((3, 1), 2.0**-8)
    path = write(tmp_path / "a.safetensors", layer)
    fusion = Fusion([LoRA(path), LoRA(path)], module, torch.bfloat16)
    fused = fusion("first.weight", torch.ones(3, 4, dtype=torch.bfloat16))
    assert torch.equal(fused, torch.full((3, 4), 1 + 2.0**-7, dtype=torch.bfloat16))


def test_other_tensors_pass_unchanged(tmp_path: Path, module: nn.Module) -> None:
    fusion = Fusion([LoRA(write(tmp_path / "a.safetensors", halves("first", 4, 3)))], module, torch.float32)
    for name in ("first.bias", "second.weight"):
        tensor = torch.randn(3)
        assert fusion(name, tensor) is tensor


def test_a_lora_of_strength_zero_is_not_even_opened(tmp_path: Path, module: nn.Module) -> None:
    fusion = Fusion([LoRA(tmp_path / "missing.safetensors", 0.0)], module, torch.float32)
    assert fusion.reports == []
    weight = torch.randn(3, 4)
    assert fusion("first.weight", weight) is weight


def test_keys_without_a_linear_are_reported(tmp_path: Path, module: nn.Module) -> None:
    content = halves("first", 4, 3) | halves("third", 4, 3) | {"diffusion_model.first.alpha": torch.ones(1)}
    second = halves("second", 3, 2)
    content["diffusion_model.second.lora_A.weight"] = second["diffusion_model.second.lora_A.weight"]
    (report,) = Fusion([LoRA(write(tmp_path / "a.safetensors", content), 0.5)], module, torch.float32).reports
    assert (report.fused, report.strength) == (1, 0.5)
    assert report.unmatched == (
        "diffusion_model.first.alpha",
        "diffusion_model.second.lora_A.weight",
        "diffusion_model.third.lora_A.weight",
        "diffusion_model.third.lora_B.weight",
    )


def test_a_lora_with_nothing_for_the_model_is_refused(tmp_path: Path, module: nn.Module) -> None:
    path = write(tmp_path / "a.safetensors", {"lora_unet_down.weight": torch.ones(2, 2)})
    with pytest.raises(ValueError, match=r"nothing for this transformer, only lora_unet_down\.weight"):
        Fusion([LoRA(path)], module, torch.float32)


@pytest.mark.parametrize("sizes", [(5, 3), (4, 5)])
def test_a_lora_of_another_width_is_refused(
    tmp_path: Path, module: nn.Module, sizes: tuple[int, int]
) -> None:
    path = write(tmp_path / "a.safetensors", halves("first", *sizes))
    with pytest.raises(ValueError, match=r"other widths; 1 linears differ: first \[3, 4\] \(A"):
        Fusion([LoRA(path)], module, torch.float32)


def test_halves_of_different_rank_are_refused(tmp_path: Path, module: nn.Module) -> None:
    content = halves("first", 4, 3)
    content["diffusion_model.first.lora_B.weight"] = torch.ones(3, 5)
    with pytest.raises(ValueError, match="other widths"):
        Fusion([LoRA(write(tmp_path / "a.safetensors", content))], module, torch.float32)


@pytest.mark.parametrize(
    ("layer", "generation"),
    [
        ("transformer_blocks.0.attn1.to_gate_logits", "LTX-2.3"),
        ("prompt_adaln_single.linear", "LTX-2.3"),
        ("audio_caption_projection.linear_1", r"LTX-2 \(19B\)"),
    ],
)
def test_a_lora_of_another_generation_is_named(
    tmp_path: Path, module: nn.Module, layer: str, generation: str
) -> None:
    path = write(tmp_path / "a.safetensors", halves("first", 4, 3) | halves(layer, 4, 3))
    with pytest.raises(ValueError, match=f"LoRA for {generation}.*generation"):
        Fusion([LoRA(path)], module, torch.float32)


def test_the_reference_downscale_factor_is_one_unless_stated(tmp_path: Path) -> None:
    content = halves("first", 4, 3)
    assert reference_downscale(write(tmp_path / "a.safetensors", content)) == 1
    assert (
        reference_downscale(write(tmp_path / "b.safetensors", content, reference_downscale_factor="2")) == 2
    )
    path = write(tmp_path / "c.safetensors", content, reference_downscale_factor="0.5")
    with pytest.raises(ValueError, match=r"'0\.5'; it must be a whole number"):
        reference_downscale(path)
