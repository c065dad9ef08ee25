"""float8 weights: the scale rule, scaled files, casts, LoRAs on them, and the choice of a file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from dubkit.ltx import quantize
from dubkit.ltx.lora import Fusion, LoRA
from dubkit.ltx.quantize import CAST, CastLinear, Float8Linear, use_cast, use_scaled
from dubkit.ltx.weights import FLOAT8, Checkpoint, load
from tests.ltx.test_lora import halves
from tests.support.golden import CHECKPOINT, assert_close, requires_golden

LINEARS = ("transformer_blocks.0.attn1.to_q", "transformer_blocks.0.proj")


class Network(nn.Module):
    """One attention projection and one other linear of a block."""

    def __init__(self) -> None:
        super().__init__()
        block = nn.ModuleDict({"attn1": nn.ModuleDict({"to_q": nn.Linear(32, 48)}), "proj": nn.Linear(48, 8)})
        self.transformer_blocks = nn.ModuleList([block])

    def forward(self, x: Tensor) -> Tensor:
        for name in LINEARS:
            x = self.get_submodule(name)(x)
        return x


def write(path: Path, content: dict[str, Tensor]) -> Checkpoint:
    save_file(content, path)
    return Checkpoint(path)


def meta() -> Network:
    with torch.device("meta"):
        return Network()


@pytest.fixture
def content() -> dict[str, Tensor]:
    torch.manual_seed(1)
    return {
        f"m.{name}": torch.randn_like(tensor).bfloat16() for name, tensor in Network().state_dict().items()
    }


@pytest.fixture
def full(tmp_path: Path, content: dict[str, Tensor]) -> Checkpoint:
    return write(tmp_path / "full.safetensors", content)


@pytest.fixture
def scaled(tmp_path: Path, content: dict[str, Tensor]) -> Checkpoint:
    layer = f"m.{LINEARS[0]}"
    weight, scale = quantize.quantise(content[f"{layer}.weight"])
    extra = {
        f"{layer}.weight": weight,
        f"{layer}.weight_scale": scale,
        f"{layer}.input_scale": torch.tensor(0.01),
    }
    return write(tmp_path / "scaled.safetensors", content | extra)


def open_scaled(file: Checkpoint, dtype: torch.dtype, loras: tuple[LoRA, ...] = ()) -> Network:
    network = meta()
    fusion = Fusion(loras, network, dtype)
    with torch.device("meta"):
        use_scaled(network, file, "m.")
    load(network, file, "m.", "cpu", dtype, change=fusion)
    fusion.fuse_scaled(network)
    return network


def open_cast(file: Checkpoint, dtype: torch.dtype, loras: tuple[LoRA, ...] = ()) -> Network:
    network = meta()
    fusion = Fusion(loras, network, dtype)
    use_cast(network, file)
    load(network, file, "m.", "cpu", dtype, change=fusion)
    for part in network.modules():
        if isinstance(part, CastLinear):
            part.round_bias()
    return network


def test_the_scale_maps_the_largest_weight_to_448() -> None:
    weight = torch.tensor([[0.5, -2.0], [0.1, 1.0]])
    rounded, scale = quantize.quantise(weight)
    assert scale == 2.0 / 448
    assert scale.dtype == torch.float32
    assert rounded.dtype == FLOAT8
    assert rounded.float()[0, 1] == -448
    # Three bits behind the leading one: half a step is a sixteenth of the value.
    assert ((rounded.float() * scale - weight).abs() <= weight.abs() / 16).all()


def test_an_all_zero_weight_stays_zero() -> None:
    rounded, scale = quantize.quantise(torch.zeros(2, 2))
    assert torch.equal(rounded.float() * scale, torch.zeros(2, 2))


def test_a_scaled_file_is_loaded_as_it_is(scaled: Checkpoint) -> None:
    network = open_scaled(scaled, torch.bfloat16)
    layer = network.get_submodule(LINEARS[0])
    assert isinstance(layer, Float8Linear)
    assert isinstance(network.get_submodule(LINEARS[1]), nn.Linear)
    assert (layer.weight.dtype, layer.weight_scale.dtype) == (FLOAT8, torch.float32)
    assert layer.bias.dtype == torch.bfloat16
    assert torch.equal(layer.weight.float(), scaled.tensor(f"m.{LINEARS[0]}.weight").float())


def test_scaled_weights_are_expanded_where_there_are_no_float8_units(scaled: Checkpoint) -> None:
    layer = open_scaled(scaled, torch.float32).get_submodule(LINEARS[0])
    x = torch.randn(2, 5, 32)
    expected = x @ (layer.weight.float() * layer.weight_scale).T + layer.bias
    assert_close(layer(x), expected, rel=1e-6)


def test_float8_units_get_the_scales_of_the_file(scaled: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call has a CPU form in PyTorch, so the units' branch runs here too."""
    layer = open_scaled(scaled, torch.bfloat16).get_submodule(LINEARS[0])
    x = torch.randn(2, 5, 32).bfloat16()
    expected = layer(x)
    monkeypatch.setattr(quantize, "multiplies_float8", lambda device: True)
    result = layer(x)
    assert result.dtype == torch.bfloat16
    assert not torch.equal(result, expected)  # Its input is rounded as well.
    assert_close(result, expected, rel=0.05)


def test_float8_units_are_those_of_recent_cuda_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not quantize.multiplies_float8(torch.device("cpu"))
    for capability, expected in (((8, 6), False), ((8, 9), True), ((9, 0), True)):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device, c=capability: c)
        assert quantize.multiplies_float8(torch.device("cuda")) is expected


def test_a_scale_without_a_float8_weight_is_refused(tmp_path: Path, content: dict[str, Tensor]) -> None:
    file = write(tmp_path / "x.safetensors", content | {f"m.{LINEARS[0]}.weight_scale": torch.ones(())})
    with pytest.raises(
        ValueError, match=r"to_q\.weight_scale, but .* is no linear here with a float8 weight"
    ):
        use_scaled(meta(), file, "m.")


def test_a_scaled_file_cannot_be_opened_as_full_precision(scaled: Checkpoint) -> None:
    with pytest.raises(ValueError, match=r"unexpected: .*input_scale.*unusable dtype: .*to_q\.weight"):
        load(meta(), scaled, "m.", "cpu", torch.bfloat16)


def test_a_cast_would_drop_the_scales_so_it_is_refused(scaled: Checkpoint) -> None:
    with pytest.raises(ValueError, match="holds float8 weights already"):
        use_cast(meta(), scaled)


def test_a_cast_rounds_weight_and_bias_without_scale(full: Checkpoint) -> None:
    network = open_cast(full, torch.float32)
    layer = network.get_submodule(LINEARS[0])
    assert isinstance(layer, CastLinear)
    assert isinstance(network.get_submodule(LINEARS[1]), nn.Linear)
    weight, bias = (full.tensor(f"m.{LINEARS[0]}.{part}") for part in ("weight", "bias"))
    assert torch.equal(layer.weight.float(), weight.to(FLOAT8).float())
    assert torch.equal(layer.bias, bias.to(FLOAT8).float())
    x = torch.randn(3, 32)
    assert torch.equal(layer(x), nn.functional.linear(x, layer.weight.float(), layer.bias))


@pytest.mark.parametrize(
    ("name", "cast"),
    [
        ("transformer_blocks.0.audio_to_video_attn.to_out.0", True),
        ("transformer_blocks.47.audio_attn2.to_v", True),
        ("transformer_blocks.3.ff.net.0.proj", True),
        ("transformer_blocks.3.audio_ff.net.2", True),
        ("transformer_blocks.3.attn1.q_norm", False),
        ("transformer_blocks.3.attn1.to_gate_logits", False),
        ("adaln_single.linear", False),
        ("patchify_proj", False),
    ],
)
def test_a_cast_takes_the_blocks_linears_only(name: str, cast: bool) -> None:
    assert bool(CAST.fullmatch(name)) is cast


def test_a_lora_on_scaled_weights_gets_a_scale_of_its_own(tmp_path: Path, scaled: Checkpoint) -> None:
    path = tmp_path / "lora.safetensors"
    save_file(halves(LINEARS[0], 32, 48), path)
    before = open_scaled(scaled, torch.float32).get_submodule(LINEARS[0])
    after = open_scaled(scaled, torch.float32, (LoRA(path, 2.0),)).get_submodule(LINEARS[0])
    down, up = (
        Checkpoint(path).tensor(f"diffusion_model.{LINEARS[0]}.lora_A.weight"),
        Checkpoint(path).tensor(f"diffusion_model.{LINEARS[0]}.lora_B.weight"),
    )
    expected = before.expanded() + (2.0 * up) @ down
    assert after.weight_scale == expected.abs().max() / 448
    assert torch.equal(after.weight.float(), quantize.quantise(expected)[0].float())
    assert after.input_scale == before.input_scale


def test_a_lora_is_added_before_a_cast_rounds(tmp_path: Path, full: Checkpoint) -> None:
    path = tmp_path / "lora.safetensors"
    save_file(halves(LINEARS[0], 32, 48), path)
    small = LoRA(path, 0.01)
    fused = open_cast(full, torch.float32, (small,)).get_submodule(LINEARS[0]).weight.float()
    delta = Fusion([small], meta(), torch.float32).delta(LINEARS[0])
    weight = full.tensor(f"m.{LINEARS[0]}.weight", dtype=torch.float32)
    assert torch.equal(fused, (weight + delta).to(FLOAT8).float())
    late = (weight.to(FLOAT8).float() + delta).to(FLOAT8).float()
    assert (fused - weight - delta).norm() < (late - weight - delta).norm()


@requires_golden
def test_the_reference_checkpoint_holds_full_precision() -> None:
    assert not quantize.holds_float8(Checkpoint(CHECKPOINT))
