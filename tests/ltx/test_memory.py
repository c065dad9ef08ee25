"""Memory modes: which one is chosen and why, and blocks that are streamed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from dubkit.ltx import memory
from dubkit.ltx.config import read_transformer
from dubkit.ltx.memory import (
    PartSizes,
    card_memory,
    choose_mode,
    feature_bytes,
    fusing_bytes,
    measure_sizes,
    prompt_bytes,
    text_key_bytes,
    tile_bytes,
    working_bytes,
)
from dubkit.ltx.streaming import BlockStream
from dubkit.ltx.weights import Checkpoint
from dubkit.models.tiny.published import PUBLISHED, transformer_values

GB = 10**9
LTX_2 = PartSizes(38 * GB, 37 * GB, GB, 27 * GB, (2 * GB, GB))
"""Roughly the 19B checkpoint in bfloat16 with its text encoder."""


def test_sizes_come_from_the_header(tmp_path: Path) -> None:
    network = memory.TRANSFORMER
    content = {
        f"{network}patchify_proj.weight": torch.zeros(4),
        f"{network}transformer_blocks.0.a": torch.zeros(6),
        f"{network}transformer_blocks.1.a": torch.zeros(8),
        f"{network}transformer_blocks.10.a": torch.zeros(2),
        f"{network}video_embeddings_connector.a": torch.zeros(3),
        "text_embedding_projection.aggregate_embed.weight": torch.zeros(5),
        "vae.encoder.a": torch.zeros(7),
        "audio_vae.encoder.a": torch.zeros(1),
        "vocoder.a": torch.zeros(1),
    }
    save_file({key: tensor.bfloat16() for key, tensor in content.items()}, tmp_path / "x.safetensors")
    sizes = measure_sizes(Checkpoint(tmp_path / "x.safetensors"), widening=2.0, text_encoder=1000)
    assert sizes == PartSizes(4 * 20, 4 * 16, 4 * 8, 1000 + 4 * 8, (4 * 7, 4 * 2))


@pytest.mark.parametrize(("free", "mode"), [(140, "resident"), (60, "component"), (24, "streaming")])
def test_the_fastest_mode_that_fits_is_chosen(free: int, mode: str) -> None:
    plan = choose_mode(free * GB, LTX_2, working=4 * GB, free_host=60 * GB)
    assert plan.mode == mode
    assert f"{free}.0 GB are free, {0.9 * free - 4:.1f} GB of them for weights" in plan.reason
    assert plan.reason.endswith(".")


def test_a_text_encoder_larger_than_the_device_runs_on_the_cpu() -> None:
    plan = choose_mode(24 * GB, LTX_2, working=4 * GB, free_host=60 * GB)
    assert not plan.text_on_device
    assert "The text encoder, 27.0 GB, runs on the CPU." in plan.reason
    assert choose_mode(60 * GB, LTX_2, working=4 * GB, free_host=60 * GB).text_on_device


def test_working_memory_decides_too() -> None:
    assert choose_mode(80 * GB, LTX_2, working=40 * GB, free_host=60 * GB).mode == "streaming"


def test_a_device_too_small_even_for_streaming_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"takes 3\.0 GB: 6\.0 GB are free, 1\.4 GB of them.*fewer frames"):
        choose_mode(6 * GB, LTX_2, working=4 * GB, free_host=60 * GB)


def test_page_locked_buffers_are_counted_as_powers_of_two() -> None:
    """A 19B block has 0.77 GB and takes 1.07."""
    sizes = LTX_2._replace(largest_block=772_149_248)
    with pytest.raises(ValueError, match=r"takes 51\.5 GB"):
        choose_mode(24 * GB, sizes, working=0, free_host=50 * GB)


def test_a_host_that_cannot_hold_the_blocks_is_an_error() -> None:
    with pytest.raises(
        ValueError, match=r"takes 39\.7 GB for blocks in host memory, where 16\.0 GB are free"
    ):
        choose_mode(24 * GB, LTX_2, working=0, free_host=16 * GB)


def test_working_memory_grows_with_the_tokens() -> None:
    assert working_bytes(49152, 4096, 2) == 12 * 49152 * 4096 * 2


def test_the_prompts_keys_are_kept_beside_a_whole_transformer_alone() -> None:
    """Seen on fake tensors: two prompts take 2.4 GB in the first stage, which nothing counted before."""
    sizes = LTX_2._replace(text=10 * GB)
    assert choose_mode(48 * GB, sizes, working=4 * GB, free_host=60 * GB).mode == "component"
    assert choose_mode(48 * GB, sizes, working=4 * GB, free_host=60 * GB, keys=2 * GB).mode == "streaming"
    assert choose_mode(24 * GB, sizes, working=4 * GB, free_host=60 * GB, keys=90 * GB).mode == "streaming"


def test_a_tile_of_the_codecs_counts_where_it_is_more_than_the_transformers_work() -> None:
    small = LTX_2._replace(transformer=2 * GB, blocks=GB, largest_block=GB // 10, others=(2 * GB,), text=GB)
    assert choose_mode(5 * GB, small, working=GB, free_host=60 * GB).mode == "component"
    with pytest.raises(ValueError, match="fewer frames"):
        choose_mode(5 * GB, small, working=GB, free_host=60 * GB, tile=4 * GB)
    assert choose_mode(9 * GB, small, working=4 * GB, free_host=60 * GB, tile=4 * GB).mode == "component"


def test_text_features_count_where_they_are_more_than_the_transformers_work() -> None:
    def on_device(features: int, working: int = 0) -> bool:
        plan = choose_mode(32 * GB, LTX_2, working=working, free_host=60 * GB, features=features)
        return plan.text_on_device

    assert on_device(GB)
    assert not on_device(2 * GB)
    assert on_device(GB, working=GB)
    assert not on_device(2 * GB, working=GB)


def test_bytes_of_keys_tiles_and_features_are_those_of_the_19b(tmp_path: Path) -> None:
    transformer = read_transformer({"transformer": transformer_values(PUBLISHED["2"])})
    assert text_key_bytes(transformer, 2, 1024, 2) == 2 * 1_207_959_552
    assert 80e6 < prompt_bytes(transformer, 2, 1024, 2) < 100e6
    assert fusing_bytes(transformer, 2, scaled=False) == 3 * 134_217_728
    assert 1.0e9 < fusing_bytes(transformer, 2, scaled=True) < 1.3e9
    assert 2.2e9 < tile_bytes(128, 2) < 2.6e9
    key = "text_embedding_projection.aggregate_embed.weight"
    save_file({key: torch.zeros(2, 18)}, tmp_path / "x.safetensors")
    assert feature_bytes(Checkpoint(tmp_path / "x.safetensors"), 1024) == 10 * 1024 * 18


def test_free_memory_of_cuda_counts_torchs_own_reserve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (100, 500))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 50)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 20)
    assert card_memory(torch.device("cuda")) == 130


def test_free_memory_of_mps_is_what_is_recommended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 100)
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: 30)
    assert card_memory(torch.device("mps")) == 70


class Block(nn.Module):
    """Parameters and a buffer of several dtypes and odd sizes."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(7, width), nn.Linear(width, 7)
        self.table = nn.Parameter(torch.randn(3).bfloat16())
        self.register_buffer("shift", torch.randn(7))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(self.first(x).tanh()) * self.table.sum() + self.shift


@pytest.fixture
def blocks() -> nn.ModuleList:
    torch.manual_seed(2)
    return nn.ModuleList(Block(width) for width in (5, 9, 6)).requires_grad_(False)


def run(blocks: BlockStream | nn.ModuleList, x: Tensor) -> Tensor:
    for block in blocks:
        x = block(x)
    return x


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_streamed_blocks_give_what_resident_ones_give(blocks: nn.ModuleList, mode: type) -> None:
    x = torch.randn(2, 7)
    with mode():
        expected = run(blocks, x)
        stream = BlockStream(blocks, "cpu")
        for _ in range(4):
            assert torch.equal(run(stream, x), expected)
    assert len(stream) == 3


def test_one_block_is_enough() -> None:
    blocks, x = nn.ModuleList([Block(4)]).requires_grad_(False), torch.randn(2, 7)
    expected = run(blocks, x)
    stream = BlockStream(blocks, "cpu")
    assert torch.equal(run(stream, x), expected)
    assert torch.equal(run(stream, x), expected)


def test_a_pass_that_was_broken_off_does_no_harm(blocks: nn.ModuleList) -> None:
    x = torch.randn(2, 7)
    expected = run(blocks, x)
    stream = BlockStream(blocks, "cpu")
    for index, _ in enumerate(stream):
        if index == 1:
            break
    assert torch.equal(run(stream, x), expected)


def test_a_block_is_on_the_device_only_while_it_is_used(blocks: nn.ModuleList) -> None:
    before = {name: tensor.clone() for name, tensor in blocks.state_dict().items()}
    stream = BlockStream(blocks, "cpu")
    slots = {slot.untyped_storage().data_ptr() for slot in stream.slots}

    def on_device() -> list[bool]:
        return [block.first.weight.untyped_storage().data_ptr() in slots for block in blocks]

    for index, _ in enumerate(stream):
        assert on_device() == [i == index for i in range(3)]
    assert on_device() == [False] * 3
    after = blocks.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


def test_the_next_block_is_copied_before_the_current_one_is_used(blocks: nn.ModuleList) -> None:
    stream = BlockStream(blocks, "cpu")
    assert [stream.ahead[0] for _ in stream] == [1, 2, 0]


def test_each_pass_copies_every_block_once_to_the_device_and_never_back(blocks: nn.ModuleList) -> None:
    stream = BlockStream(blocks, "cpu")
    run(stream, torch.randn(2, 7))
    copied: list[int] = []
    start = stream._start
    stream._start = lambda index, slot: (copied.append(index), start(index, slot))  # type: ignore[method-assign]
    host = [buffer.clone() for buffer in stream.host]
    run(stream, torch.randn(2, 7))
    assert copied == [1, 2, 0]
    assert all(torch.equal(buffer, kept) for buffer, kept in zip(stream.host, host, strict=True))
