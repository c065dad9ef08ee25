"""Every part of the checkpoint opens from the published layout, and upsamplers of other models do not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from dubkit.ltx import components
from dubkit.ltx.components import OpenedTransformer, open_transformer, open_upsampler
from dubkit.ltx.lora import LoRA
from dubkit.ltx.modulation import Levels
from dubkit.ltx.quantize import CastLinear, Float8Linear, quantise
from dubkit.ltx.transformer import Tokens
from dubkit.ltx.weights import Checkpoint
from tests.support.golden import CHECKPOINT, GOLDEN, relative_error, requires_golden

pytestmark = requires_golden
CPU = torch.device("cpu")
UPSAMPLER = GOLDEN / "models" / "tiny-spatial-upscaler-x2.safetensors"
DUB = LoRA(GOLDEN / "models" / "tiny-justdubit-lora.safetensors")


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return Checkpoint(CHECKPOINT)


def rewritten(path: Path, source: Path, tensors: dict[str, Tensor] | None = None, **config: object) -> Path:
    """Write a model file again with other tensors or another configuration."""
    metadata = dict(Checkpoint(source).metadata)
    metadata["config"] = json.dumps(json.loads(metadata["config"]) | config)
    save_file(load_file(source) | (tensors or {}), path, metadata)
    return path


@torch.no_grad()
def velocities(opened: OpenedTransformer) -> Tensor:
    """Run 12 picture and 5 sound tokens; return both velocities in one row."""
    network, blocks, _ = opened
    generator = torch.Generator().manual_seed(3)
    dtype = network.scale_shift_table.dtype

    def random(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator).to(dtype)

    starts = torch.rand(1, 3, 12, 1, generator=generator)
    rotations = network.rotations(
        torch.cat([starts, starts + 1], -1), torch.cat([starts, starts + 1], -1)[:, :1, :5]
    )
    text = network.text(random(1, 128, 64), random(1, 128, 64), blocks=blocks)
    video = Tokens(random(1, 12, 8), Levels.uniform(0.7, 12, CPU))
    audio = Tokens(random(1, 5, 32), Levels.uniform(0.4, 5, CPU))
    return torch.cat([out.flatten() for out in network(video, audio, text, rotations, blocks=blocks)])


@pytest.mark.parametrize(
    "part",
    [
        "video_encoder",
        "video_decoder",
        "audio_encoder",
        "audio_decoder",
        "vocoder",
        "statistics",
        "transformer",
    ],
)
def test_every_part_opens_strictly_and_for_inference(checkpoint: Checkpoint, part: str) -> None:
    opened = getattr(components, f"open_{part}")(checkpoint, CPU, torch.float32)
    module: nn.Module = opened.network if isinstance(opened, OpenedTransformer) else opened
    state = module.state_dict()
    assert state
    assert all(tensor.dtype == torch.float32 and not tensor.is_meta for tensor in state.values())
    assert not module.training
    assert not any(parameter.requires_grad for parameter in module.parameters())


def test_parts_together_take_every_tensor_of_the_transformer(checkpoint: Checkpoint) -> None:
    network = open_transformer(checkpoint, CPU, torch.bfloat16).network
    assert len(network.state_dict()) == 270


def test_an_upsampler_opens_beside_its_checkpoint(checkpoint: Checkpoint) -> None:
    assert open_upsampler(UPSAMPLER, checkpoint, CPU, torch.float32).config.rational


def test_an_upsampler_of_the_next_generation_is_refused(tmp_path: Path, checkpoint: Checkpoint) -> None:
    path = rewritten(tmp_path / "plain.safetensors", UPSAMPLER, rational_resampler=False)
    with pytest.raises(ValueError, match=r"is the spatial upsampler of LTX-2\.3, but .* is LTX-2 \(19B\)"):
        open_upsampler(path, checkpoint, CPU, torch.float32)


def test_a_19b_upsampler_is_refused_for_the_next_generation(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = Checkpoint(CHECKPOINT)
    config = checkpoint.config
    text = type(config.text)(2, config.text.video, config.text.audio)
    newer.__dict__["config"] = type(config)(
        config.transformer, text, config.video_vae, config.audio_vae, config.vocoder, "2.3"
    )
    with pytest.raises(ValueError, match=r"is the spatial upsampler of LTX-2 \(19B\), but .* is LTX-2\.3"):
        open_upsampler(UPSAMPLER, newer, CPU, torch.float32)


def test_an_upsampler_of_other_latents_is_refused(tmp_path: Path, checkpoint: Checkpoint) -> None:
    path = rewritten(tmp_path / "wide.safetensors", UPSAMPLER, in_channels=16)
    with pytest.raises(ValueError, match=r"upsamples latents of 16 channels, those of .* have 8"):
        open_upsampler(path, checkpoint, CPU, torch.float32)


def test_an_upsampler_without_metadata_is_refused(tmp_path: Path, checkpoint: Checkpoint) -> None:
    save_file(load_file(UPSAMPLER), tmp_path / "bare.safetensors")
    with pytest.raises(ValueError, match=r"bare\.safetensors has no 'config' in its metadata"):
        open_upsampler(tmp_path / "bare.safetensors", checkpoint, CPU, torch.float32)


@pytest.mark.parametrize("cast_float8", [False, True])
def test_streamed_transformers_give_what_resident_ones_give(
    checkpoint: Checkpoint, cast_float8: bool
) -> None:
    resident, streamed = (
        open_transformer(checkpoint, CPU, torch.float32, loras=[DUB], cast_float8=cast_float8, stream=stream)
        for stream in (False, True)
    )
    assert resident.blocks is None
    expected = velocities(resident)
    for _ in range(2):
        assert torch.equal(velocities(streamed), expected)
    assert streamed.loras == resident.loras
    assert resident.loras[0].fused == 84


def test_a_cast_transformer_is_near_the_full_one(checkpoint: Checkpoint) -> None:
    opened = open_transformer(checkpoint, CPU, torch.float32, cast_float8=True)
    casts = [name for name, part in opened.network.named_modules() if isinstance(part, CastLinear)]
    assert len(casts) == 3 * 28
    expected = velocities(open_transformer(checkpoint, CPU, torch.float32))
    assert 1e-4 < relative_error(velocities(opened), expected) < 0.3


@pytest.fixture
def scaled(tmp_path: Path) -> Checkpoint:
    """The checkpoint with scaled float8 in the middle block, as in published files, the outer ones spared."""
    extra: dict[str, Tensor] = {}
    for key, tensor in load_file(CHECKPOINT).items():
        if ".transformer_blocks.1." in key and key.endswith(
            ("to_q.weight", "to_out.0.weight", "net.2.weight")
        ):
            extra[key], extra[f"{key}_scale"] = quantise(tensor)
            extra[key.replace(".weight", ".input_scale")] = torch.tensor(0.02)
    return Checkpoint(rewritten(tmp_path / "fp8.safetensors", CHECKPOINT, extra))


@pytest.mark.parametrize("stream", [False, True])
def test_a_scaled_file_is_recognised(scaled: Checkpoint, checkpoint: Checkpoint, stream: bool) -> None:
    opened = open_transformer(scaled, CPU, torch.float32, loras=[DUB], stream=stream)
    layers = [part for part in opened.network.modules() if isinstance(part, Float8Linear)]
    assert len(layers) == 6 + 6 + 2
    expected = velocities(open_transformer(checkpoint, CPU, torch.float32, loras=[DUB]))
    assert 1e-4 < relative_error(velocities(opened), expected) < 0.1


def test_float8_is_refused_on_mps(scaled: Checkpoint, checkpoint: Checkpoint) -> None:
    for file, cast_float8 in ((scaled, False), (checkpoint, True)):
        with pytest.raises(ValueError, match="MPS has no float8"):
            open_transformer(file, "mps", torch.float32, cast_float8=cast_float8)


def test_a_checkpoint_of_other_sizes_is_refused(tmp_path: Path) -> None:
    config = json.loads(Checkpoint(CHECKPOINT).metadata["config"])["transformer"] | {"num_layers": 2}
    path = rewritten(tmp_path / "two.safetensors", CHECKPOINT, transformer=config)
    with pytest.raises(ValueError, match=r"72 unexpected: transformer_blocks\.2\..* and 62 more"):
        open_transformer(Checkpoint(path), CPU, torch.float32)
