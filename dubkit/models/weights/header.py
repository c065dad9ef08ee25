"""The header of a safetensors file: read and checked against the file's size, without reading a tensor."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAX_HEADER = 100_000_000
"""Bytes; the format's own limit."""

ITEM_BYTES: Mapping[str, int] = {
    "BOOL": 1,
    "U8": 1,
    "I8": 1,
    "F8_E4M3": 1,
    "F8_E5M2": 1,
    "I16": 2,
    "U16": 2,
    "F16": 2,
    "BF16": 2,
    "I32": 4,
    "U32": 4,
    "F32": 4,
    "I64": 8,
    "U64": 8,
    "F64": 8,
}


class HeaderError(ValueError):
    """The file is not a whole safetensors file; the message says what is wrong, not which file it is."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One tensor as the header states it; `begin` and `end` are bytes after the header."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Header:
    """What a safetensors file says about itself. `size` is the file's in bytes."""

    tensors: Mapping[str, Stored]
    metadata: Mapping[str, str]
    size: int

    @property
    def values(self) -> int:
        """Number of values in all tensors."""
        return sum(math.prod(tensor.shape) for tensor in self.tensors.values())

    def shapes(self, prefix: str = "") -> dict[str, tuple[int, ...]]:
        """Return key (without `prefix`) and shape of the tensors below a prefix."""
        return {
            key.removeprefix(prefix): tensor.shape
            for key, tensor in self.tensors.items()
            if key.startswith(prefix)
        }


def read_header(path: Path) -> Header:
    """Read a header and check that its tensors cover the file exactly.

    Raises `HeaderError` for everything that is not a whole safetensors file.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        if size < 8:
            raise HeaderError(f"not a safetensors file: it has {size} bytes")
        (length,) = struct.unpack("<Q", stream.read(8))
        if length > MAX_HEADER:
            raise HeaderError("not a safetensors file: its first 8 bytes are not the length of a header")
        if length + 8 > size:
            raise HeaderError(f"cut off inside the header: {size} bytes of at least {length + 8}")
        text = stream.read(length)
    try:
        entries = json.loads(text)
    except ValueError as error:
        raise HeaderError("not a safetensors file: its header is not JSON") from error
    if not isinstance(entries, dict):
        raise HeaderError("not a safetensors file: its header is not a JSON object")
    metadata = entries.pop("__metadata__", {})
    if not isinstance(metadata, dict):
        raise HeaderError("its __metadata__ is not a JSON object")
    tensors = {key: _stored(key, entry) for key, entry in entries.items()}
    _check_cover(tensors, size - 8 - length)
    return Header(tensors, {str(key): str(value) for key, value in metadata.items()}, size)


def _stored(key: str, entry: Any) -> Stored:
    try:
        begin, end = (int(offset) for offset in entry["data_offsets"])
        stored = Stored(str(entry["dtype"]), tuple(int(n) for n in entry["shape"]), begin, end)
    except (TypeError, KeyError, ValueError) as error:
        raise HeaderError(f"the header's entry of {key} is damaged") from error
    if stored.dtype not in ITEM_BYTES:
        raise HeaderError(f"{key} has the unknown type {stored.dtype}")
    needed = math.prod(stored.shape) * ITEM_BYTES[stored.dtype]
    if min(stored.shape, default=0) < 0 or stored.end - stored.begin != needed:
        form = f"{list(stored.shape)} {stored.dtype}"
        raise HeaderError(f"{key} takes {stored.end - stored.begin} bytes, but {form} are {needed}")
    return stored


def _check_cover(tensors: Mapping[str, Stored], held: int) -> None:
    at = 0
    for key, tensor in sorted(tensors.items(), key=lambda item: (item[1].begin, item[1].end)):
        if tensor.begin != at:
            what = (
                "overlaps the one before it"
                if tensor.begin < at
                else f"leaves {tensor.begin - at} bytes unused"
            )
            raise HeaderError(f"{key} {what}")
        at = tensor.end
    if at > held:
        raise HeaderError(f"cut off: {at - held} of {at} bytes of tensors are missing")
    if at < held:
        raise HeaderError(f"{held - at} bytes follow the last tensor")
