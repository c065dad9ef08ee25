"""Weight files: what is refused, what is placed where, and how much memory loading takes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from dubkit.ltx.weights import Checkpoint, listed, load
from tests.support.golden import CHECKPOINT, checkpoint_tensors, requires_golden


class Network(nn.Module):
    """A linear, a bare table and a hyphenated buffer, as published files have them."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.net = nn.ModuleList([nn.Linear(width, 3)])
        self.table = nn.Parameter(torch.empty(2, width))
        self.register_buffer("std-of-means", torch.empty(width))


def tensors(prefix: str = "part.", width: int = 4) -> dict[str, Tensor]:
    torch.manual_seed(0)
    state = Network(width).state_dict()
    return {prefix + name: torch.randn_like(tensor) for name, tensor in state.items()}


def write(path: Path, content: dict[str, Tensor], **metadata: str) -> Checkpoint:
    save_file(content, path, metadata or None)
    return Checkpoint(path)


def on_meta(width: int = 4) -> Network:
    with torch.device("meta"):
        return Network(width)


@pytest.fixture
def file(tmp_path: Path) -> Checkpoint:
    return write(tmp_path / "net.safetensors", tensors())


def test_every_tensor_is_read_as_written(tmp_path: Path) -> None:
    content = {
        "a": torch.randn(3, 5).bfloat16(),
        "b": torch.randn(7).to(torch.float8_e4m3fn),
        "c": torch.tensor(1.5),
        "d": torch.randn(2, 3),
        "e": torch.empty(0, 4),
    }
    file = write(tmp_path / "x.safetensors", content, kind="test")
    assert file.keys == set(content)
    assert file.metadata == {"kind": "test"}
    for key, tensor in content.items():
        assert file.dtype(key) == tensor.dtype
        assert file.shape(key) == tuple(tensor.shape)
        assert torch.equal(file.tensor(key).float(), tensor.float())
        assert file.tensor(key).dtype == tensor.dtype
    assert file.tensor("a", dtype=torch.float32).dtype == torch.float32
    assert file.tensor("a", "meta").is_meta
    assert file.size("a", "d") == 30 + 24


def test_a_tensor_read_does_not_change_with_the_file(file: Checkpoint) -> None:
    before = file.tensor("part.table")
    kept = before.clone()
    with file.path.open("r+b") as stream:
        stream.seek(file.entry("part.table").begin)
        stream.write(b"\0" * 32)
    assert torch.equal(before, kept)


def test_an_unknown_key_is_named(file: Checkpoint) -> None:
    with pytest.raises(ValueError, match=r"net\.safetensors has no tensor 'other'"):
        file.tensor("other")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="There is no weight file"):
        Checkpoint(tmp_path / "missing.safetensors")


@pytest.mark.parametrize(
    "content", [b"", b"abc", b"version https://git-lfs.github.com/spec/v1", b"\2" + b"\0" * 7 + b"[]"]
)
def test_what_is_not_safetensors_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match=rf"\({len(content)} bytes\) is not a safetensors file"):
        Checkpoint(tmp_path / "x.safetensors")


@pytest.mark.parametrize("kept", [0.99, 0.2])
def test_a_truncated_file_is_refused_with_both_sizes(file: Checkpoint, kept: float) -> None:
    content = file.path.read_bytes()
    file.path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(ValueError, match=f"truncated.*promises .* has {int(len(content) * kept)}"):
        Checkpoint(file.path)


def test_a_file_with_bytes_to_spare_is_refused(file: Checkpoint) -> None:
    file.path.write_bytes(file.path.read_bytes() + b"\0")
    with pytest.raises(ValueError, match="damaged"):
        Checkpoint(file.path)


def test_offsets_that_do_not_fit_the_shape_are_refused(tmp_path: Path) -> None:
    header = json.dumps({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}).encode()
    (tmp_path / "x.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 4)
    with pytest.raises(ValueError, match="its header is damaged"):
        Checkpoint(tmp_path / "x.safetensors")


def test_missing_metadata_is_an_error_that_names_the_file(file: Checkpoint) -> None:
    with pytest.raises(ValueError, match=r"net\.safetensors has no 'config'"):
        _ = file.config


def test_loading_fills_a_meta_module_for_inference(file: Checkpoint) -> None:
    network = load(on_meta(), file, "part.", "cpu", torch.bfloat16)
    expected = tensors("")
    assert network.state_dict().keys() == expected.keys()
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, expected[name].bfloat16())
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert "std-of-means" in dict(network.named_buffers())


def test_several_prefixes_fill_one_module(tmp_path: Path) -> None:
    content = tensors("")
    moved = {("b." if name.startswith("net.") else "a.") + name: tensor for name, tensor in content.items()}
    moved = {name.replace("b.net.0.", "b."): tensor for name, tensor in moved.items()}
    network = load(
        on_meta(), write(tmp_path / "x.safetensors", moved), {"a.": "", "b.": "net.0."}, "cpu", torch.float32
    )
    assert torch.equal(network.net[0].weight, content["net.0.weight"])


def test_a_prefix_is_stripped_once(tmp_path: Path) -> None:
    with torch.device("meta"):
        outer = nn.ModuleDict({"part": Network()})
    file = write(tmp_path / "x.safetensors", tensors("part.part."))
    assert load(outer, file, "part.", "cpu", torch.float32).get_parameter("part.table").shape == (2, 4)


def test_all_that_does_not_fit_is_one_error(tmp_path: Path) -> None:
    content = tensors(width=5)
    content["part.extra"] = content.pop("part.net.0.bias")
    content["part.table"] = torch.zeros(2, 4, dtype=torch.int64)
    with pytest.raises(ValueError, match="does not fit Network") as caught:
        load(on_meta(), write(tmp_path / "x.safetensors", content), "part.", "cpu", torch.float32)
    message = str(caught.value)
    assert "1 missing: net.0.bias" in message
    assert "1 unexpected: extra" in message
    assert "2 of another shape: net.0.weight [3, 5] instead of [3, 4], std-of-means [5]" in message
    assert "1 of an unusable dtype: table torch.int64" in message


def test_long_lists_are_counted() -> None:
    assert listed(["a"]) == "a"
    assert listed([str(i) for i in range(12)]) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more"


@pytest.mark.parametrize("dtype", [torch.int32, torch.float64, torch.float8_e4m3fn])
def test_weights_of_an_unusable_dtype_are_refused(tmp_path: Path, dtype: torch.dtype) -> None:
    content = tensors() | {"part.table": torch.zeros(2, 4).to(dtype)}
    with pytest.raises(ValueError, match=f"unusable dtype: table {dtype}"):
        load(on_meta(), write(tmp_path / "x.safetensors", content), "part.", "cpu", torch.float32)


def test_only_what_is_stated_is_ignored(tmp_path: Path) -> None:
    file = write(tmp_path / "x.safetensors", tensors() | {"part.unused.a": torch.zeros(1)})
    load(on_meta(), file, "part.", "cpu", torch.float32, ignore=("part.unused.",))
    with pytest.raises(ValueError, match=r"1 unexpected: unused\.a"):
        load(on_meta(), file, "part.", "cpu", torch.float32)


def test_the_device_may_depend_on_the_tensor(file: Checkpoint) -> None:
    network = load(on_meta(), file, "part.", lambda name: "meta" if name == "table" else "cpu", torch.float32)
    assert network.table.is_meta
    assert not network.net[0].weight.is_meta


@requires_golden
def test_the_reference_checkpoint_is_read_as_safetensors_reads_it() -> None:
    file = Checkpoint(CHECKPOINT)
    assert file.config.transformer.layers == 3
    for key, tensor in checkpoint_tensors("vocoder.ups.").items():
        assert torch.equal(file.tensor(f"vocoder.ups.{key}", dtype=torch.float32), tensor)


PEAK = """
import re, sys
from pathlib import Path
import torch
from dubkit.ltx.weights import Checkpoint, load

def resident(field):
    return int(re.search(field + r":\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024

with torch.device("meta"):
    model = torch.nn.ModuleList(torch.nn.Linear(2048, 2048, bias=False) for _ in range(25))
file = Checkpoint(Path(sys.argv[1]))
file.tensor("0.weight", "cpu", getattr(torch, sys.argv[2]))  # Conversion kernels are paged in before.
Path("/proc/self/clear_refs").write_text("5")  # Resets the high-water mark.
before = resident("VmRSS")
load(model, file, "", "cpu", getattr(torch, sys.argv[2]))
print(resident("VmHWM") - before)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the high-water mark is Linux's")
@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_loading_takes_no_more_memory_than_the_model_and_its_largest_tensor(
    tmp_path: Path, dtype: str
) -> None:
    """All resident pages count, those of the mapped file too."""
    largest = 2048 * 2048 * 2
    save_file(
        {f"{i}.weight": torch.full((2048, 2048), i / 8).bfloat16() for i in range(25)},
        tmp_path / "x.safetensors",
    )
    peak = int(
        subprocess.run(
            [sys.executable, "-c", PEAK, str(tmp_path / "x.safetensors"), dtype],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    )
    model = 25 * largest * (1 if dtype == "bfloat16" else 2)
    assert 0.9 * model < peak < model + largest + 4_000_000, f"{peak / 1e6:.0f} MB for {model / 1e6:.0f} MB"
