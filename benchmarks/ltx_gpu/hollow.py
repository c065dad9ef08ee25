"""Files of the published names, layouts and sizes without content: their bytes are holes that take no disk.

Everything that reads headers and sizes works on them as on the published files. Shapes and types come from
the network itself; ranks and layers of the LoRAs are those that are known of the published ones.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from dubkit.dubbing.diffusion.parts import Files
from dubkit.ltx.codec_config import read_upsampler
from dubkit.ltx.config import read_checkpoint
from dubkit.ltx.lora import LoRA
from dubkit.models.tiny import gemma as tiny_gemma
from dubkit.models.tiny.files import GEMMA, LORA_LAYERS, NAMES
from dubkit.models.tiny.published import PUBLISHED, Sizes, checkpoint_values, upsampler_values
from dubkit.models.weights.gemma import text_shapes
from dubkit.models.weights.parts import Shapes, checkpoint_shapes, transformer_linears, upsampler_shapes

RANKS = {"dubbing": 128, "distilled": 384}
VOCABULARY = 262_208
GEMMA_SIZES = tiny_gemma.GemmaSizes(width=3840, hidden=15360, layers=48, heads=16, key_heads=8, head_dim=256)
"""Gemma 3 12B."""
BYTES = {"BF16": 2, "F8_E4M3": 1, "F32": 4}


class Stored(NamedTuple):
    """One tensor of a file: the format's name of its type, and its shape."""

    kind: str
    shape: tuple[int, ...]


def write_set(folder: Path, *, layers: int = 48, gemma_layers: int = 48) -> None:
    """Write checkpoint, float8 checkpoint, LoRAs, upsampler and Gemma's folder into an empty folder.

    With fewer `layers` everything is as large as published but for the number of blocks.
    """
    sizes, names = replace(PUBLISHED["2"], layers=layers), NAMES["2"]
    gemma = replace(GEMMA_SIZES, layers=gemma_layers)
    values = checkpoint_values(sizes)
    metadata = {"config": json.dumps(values)}
    config = read_checkpoint(metadata, frozenset(), "the hollow checkpoint")
    shapes = checkpoint_shapes(config, gemma.states)
    write(folder / names["checkpoint"], _plain(shapes), metadata)
    write(folder / names["float8"], _scaled(shapes, layers), metadata)
    linears = transformer_linears(config.transformer)
    inner = {name: shape for name, shape in linears.items() if _inner(name)}
    for name, changed in (("dubbing", inner), ("distilled", linears)):
        write(folder / names[name], _plain(_lora(changed, RANKS[name])), {"format": "pt"})
    _write_upsampler(folder / names["spatial"], sizes)
    _write_gemma(folder / GEMMA, gemma)


def files(folder: Path, *, float8: bool = False) -> Files:
    """Return the files of a set, with the checkpoint in full precision or in float8."""
    names = NAMES["2"]
    return Files(
        folder / names["float8" if float8 else "checkpoint"],
        folder / names["spatial"],
        folder / GEMMA,
        (LoRA(folder / names["dubbing"]),),
        LoRA(folder / names["distilled"]),
    )


def write(path: Path, tensors: Mapping[str, Stored], metadata: Mapping[str, str]) -> None:
    """Write a safetensors header, and a hole as long as the tensors that it promises."""
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    at = 0
    for key, (kind, shape) in tensors.items():
        end = at + BYTES[kind] * math.prod(shape)
        header[key] = {"dtype": kind, "shape": list(shape), "data_offsets": [at, end]}
        at = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + at)


def _plain(shapes: Shapes) -> dict[str, Stored]:
    return {key: Stored("BF16", shape) for key, shape in shapes.items()}


def _inner(linear: str) -> bool:
    return linear.startswith("transformer_blocks.") and linear.endswith(LORA_LAYERS)


def _scaled(shapes: Shapes, layers: int) -> dict[str, Stored]:
    """Return the tensors of a file with scaled float8 linears in all blocks but the first and last five."""
    whole, stored = {0, *range(layers - max(1, layers // 9), layers)}, _plain(shapes)
    for key, shape in shapes.items():
        linear = key.removeprefix("model.diffusion_model.").removesuffix(".weight")
        if key.endswith(".weight") and _inner(linear) and int(linear.split(".")[1]) not in whole:
            stored[key] = Stored("F8_E4M3", shape)
            stored[f"{key}_scale"] = stored[f"{key.removesuffix('weight')}input_scale"] = Stored("F32", ())
    return stored


def _lora(linears: Shapes, rank: int) -> Shapes:
    halves: Shapes = {}
    for layer, (outputs, inputs) in linears.items():
        halves[f"diffusion_model.{layer}.lora_A.weight"] = (rank, inputs)
        halves[f"diffusion_model.{layer}.lora_B.weight"] = (outputs, rank)
    return halves


def _write_upsampler(path: Path, sizes: Sizes) -> None:
    values = upsampler_values(sizes, "spatial", "2")
    write(path, _plain(upsampler_shapes(read_upsampler(values))), {"config": json.dumps(values)})


def _write_gemma(folder: Path, sizes: tiny_gemma.GemmaSizes) -> None:
    """Write Gemma's folder with the tokenizer of the tiny set, which takes any text."""
    tiny_gemma.write_settings(folder, sizes)
    path = folder / "config.json"
    values = json.loads(path.read_text("utf-8"))
    values["text_config"]["vocab_size"] = VOCABULARY
    path.write_text(json.dumps(values), "utf-8")
    shapes = {f"language_model.model.{k}": s for k, s in text_shapes(values["text_config"]).items()}
    write(folder / "model.safetensors", _plain(shapes), {"format": "pt"})
