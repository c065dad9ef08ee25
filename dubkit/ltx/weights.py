"""Single-file safetensors, checked when opened and read one tensor at a time straight to the device."""

from __future__ import annotations

import json
import mmap
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from dubkit.ltx.config import CheckpointConfig, read_checkpoint

M = TypeVar("M", bound=nn.Module)
Device = torch.device | str
DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "I64": torch.int64,
    "I32": torch.int32,
    "U8": torch.uint8,
}
FLOAT8 = torch.float8_e4m3fn
LARGEST = 448.0
"""The largest value of FLOAT8."""
USABLE = (torch.float32, torch.bfloat16, torch.float16)
LISTED = 10
"""Names that an error lists before it only counts."""


class Entry(NamedTuple):
    """One tensor of a file; `begin` is the byte of the file that it starts at."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    begin: int
    size: int


class Checkpoint:
    """A safetensors file of which only the header has been read.

    Every tensor is mapped, copied and unmapped on its own: loading never keeps more of the file in
    memory than its largest tensor, and a file replaced later does not reach into a loaded model.

    Raises:
        ValueError: no file, an empty or truncated one, or not a safetensors file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries, self.metadata = read_header(path)

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(self.entries)

    @cached_property
    def config(self) -> CheckpointConfig:
        """The architecture stated in the metadata; ValueError where it is missing."""
        return read_checkpoint(self.metadata, self.keys, str(self.path))

    def entry(self, key: str) -> Entry:
        if key not in self.entries:
            raise ValueError(f"{self.path} has no tensor {key!r}.")
        return self.entries[key]

    def dtype(self, key: str) -> torch.dtype:
        return self.entry(key).dtype

    def shape(self, key: str) -> tuple[int, ...]:
        return self.entry(key).shape

    def size(self, *prefixes: str) -> int:
        """Bytes of all tensors whose keys begin with one of `prefixes`."""
        return sum(entry.size for key, entry in self.entries.items() if key.startswith(prefixes))

    def tensor(self, key: str, device: Device = "cpu", dtype: torch.dtype | None = None) -> Tensor:
        """Return a copy of one tensor on `device`, in the file's dtype unless another is given."""
        entry, target = self.entry(key), torch.device(device)
        if not entry.size:
            return torch.empty(entry.shape, dtype=dtype or entry.dtype, device=target)
        skip = entry.begin % mmap.ALLOCATIONGRANULARITY
        with self.path.open("rb") as file:
            # Private and writable, because torch warns about read-only pages; nobody writes to them.
            pages = mmap.mmap(
                file.fileno(), skip + entry.size, offset=entry.begin - skip, access=mmap.ACCESS_COPY
            )
        mapped = torch.frombuffer(pages, dtype=entry.dtype, count=prod(entry.shape), offset=skip)
        # The file's dtype crosses to another device, where it is converted: it is the narrower one.
        return mapped.view(entry.shape).to(target).to(dtype or entry.dtype, copy=target.type == "cpu")


def read_header(path: Path) -> tuple[dict[str, Entry], dict[str, str]]:
    """Return a safetensors file's tensors and metadata, its size held against what they promise."""
    if not path.is_file():
        raise ValueError(f"There is no weight file {path}.")
    size = path.stat().st_size
    foreign = f"{path} ({size} bytes) is not a safetensors file, or its header is damaged. Download it again."
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or not 2 <= length <= 100_000_000:  # The format's own bound.
            raise ValueError(foreign)
        text = file.read(length)
    promised = 8 + length
    if promised <= size:
        try:
            header: dict[str, Any] = json.loads(text)
            metadata = header.pop("__metadata__", None) or {}
            entries = {key: _entry(value, 8 + length) for key, value in header.items()}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(foreign) from error
        promised = max((entry.begin + entry.size for entry in entries.values()), default=promised)
    if promised != size:
        raise ValueError(
            f"{path} is truncated or damaged: its header promises {promised} bytes, the file has {size}. "
            "Download it again."
        )
    return entries, metadata


def _entry(value: Mapping[str, Any], start: int) -> Entry:
    dtype, shape, (begin, end) = DTYPES[value["dtype"]], tuple(value["shape"]), value["data_offsets"]
    if begin < 0 or end - begin != prod(shape) * dtype.itemsize:
        raise ValueError("offsets do not fit the shape")
    return Entry(dtype, shape, start + begin, end - begin)


def listed(names: Sequence[str]) -> str:
    """Join names for an error: the first ten of them, then how many more."""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


def to_float8(tensor: Tensor) -> Tensor:
    """Round to float8 e4m3fn, within its largest value: beyond it some devices make NaN."""
    return tensor.clamp(-LARGEST, LARGEST).to(FLOAT8)


def _check_fit(
    module: nn.Module,
    checkpoint: Checkpoint,
    prefixes: Iterable[str],
    wanted: Mapping[str, tuple[tuple[int, ...], torch.dtype]],
    found: Mapping[str, str],
) -> None:
    """Raise ValueError with all that is wrong between a module's tensors and the keys found for them."""
    problems = {
        "missing": list(wanted.keys() - found.keys()),
        "unexpected": list(found.keys() - wanted.keys()),
    }
    for name in wanted.keys() & found.keys():
        (shape, kept), (given, actual) = wanted[name], checkpoint.entry(found[name])[:2]
        if actual != shape:
            problems.setdefault("of another shape", []).append(
                f"{name} {list(actual)} instead of {list(shape)}"
            )
        if given not in USABLE and not given == kept == FLOAT8:
            problems.setdefault("of an unusable dtype", []).append(f"{name} {given}")
    if any(problems.values()):
        raise ValueError(
            f"{checkpoint.path} does not fit {type(module).__name__} ({' '.join(prefixes)}): "
            + "; ".join(
                f"{len(names)} {kind}: {listed(sorted(names))}" for kind, names in problems.items() if names
            )
            + ". Use a file of the generation and size that its metadata states."
        )


def load(
    module: M,
    checkpoint: Checkpoint,
    prefixes: Mapping[str, str] | str,
    device: Device | Callable[[str], Device],
    dtype: torch.dtype,
    *,
    ignore: tuple[str, ...] = (),
    change: Callable[[str, Tensor], Tensor] | None = None,
) -> M:
    """Fill a module built on the meta device, tensor by tensor, and return it ready for inference.

    Args:
        prefixes: what prefixes of the file stand for in the module, `{"vae.encoder.": ""}`, or one that is
            stripped, and once only: `vocoder.vocoder.` keeps its second part.
        device: where to, or a function of the tensor's name in the module.
        dtype: of the result; the module's float8 weights and scalars (their scales) keep their dtypes.
        ignore: beginnings of keys under `prefixes` that are known to belong elsewhere or to be unused.
        change: called with each tensor's name in the module and the tensor, before it is placed.

    Raises:
        ValueError: missing and unexpected tensors, wrong shapes and dtypes, all of them in one message.
    """
    pairs = {prefixes: ""} if isinstance(prefixes, str) else prefixes
    wanted = {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in module.state_dict().items()}
    found = {
        inside + key.removeprefix(outside): key
        for key in checkpoint.entries
        for outside, inside in pairs.items()
        if key.startswith(outside) and not key.startswith(ignore)
    }
    _check_fit(module, checkpoint, pairs, wanted, found)
    for name, key in found.items():
        shape, kept = wanted[name]
        same = not shape or kept == checkpoint.dtype(key) == FLOAT8
        tensor = checkpoint.tensor(key, device(name) if callable(device) else device, kept if same else dtype)
        tensor = change(name, tensor) if change else tensor
        if kept == FLOAT8 and not same:
            tensor = to_float8(tensor)
        owner, _, leaf = name.rpartition(".")
        part = module.get_submodule(owner)
        setattr(part, leaf, tensor if leaf in part._buffers else nn.Parameter(tensor, requires_grad=False))
    return module.requires_grad_(False).eval()
