"""A whole set of tiny generator files with random weights, in the published layout.

Every real code path runs with them on any machine, in seconds: loading, fusing, denoising, decoding. What
comes out is noise. The same seed gives the same bytes.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.errors import DiskFull, DubkitError
from dubkit.models.tiny.published import TINY, Generation, checkpoint_values, upsampler_values
from dubkit.models.tiny.values import random_tensor
from dubkit.models.weights.files import RANDOM, random_weights
from dubkit.models.weights.parts import need_torch

if TYPE_CHECKING:
    from torch import Tensor

log = logging.getLogger(__name__)

GEMMA = "gemma-3-12b-it-qat-q4_0-unquantized"
NAMES: Mapping[Generation, Mapping[str, str]] = {
    "2": {
        "checkpoint": "ltx-2-19b-dev.safetensors",
        "float8": "ltx-2-19b-dev-fp8.safetensors",
        "distilled": "ltx-2-19b-distilled-lora-384.safetensors",
        "dubbing": "ltx-2-19b-ic-lora-lipdubbing.safetensors",
        "spatial": "ltx-2-spatial-upscaler-x2-1.0.safetensors",
        "temporal": "ltx-2-temporal-upscaler-x2-1.0.safetensors",
    },
    "2.3": {
        "checkpoint": "ltx-2.3-22b-dev.safetensors",
        "float8": "ltx-2.3-22b-dev-fp8.safetensors",
        "distilled": "ltx-2.3-22b-distilled-lora-384.safetensors",
        "dubbing": "ltx-2.3-22b-ic-lora-dubbing.safetensors",
        "spatial": "ltx-2.3-spatial-upscaler-x2-1.0.safetensors",
        "temporal": "ltx-2.3-temporal-upscaler-x2-1.0.safetensors",
    },
}
RANK = 4
LORA_LAYERS = ("to_q", "to_k", "to_v", "to_out.0", "net.0.proj", "net.2")
"""Last parts of the linears that the dubbing LoRA changes, in every block; the distilled one changes all."""
LARGEST_FLOAT8 = 448.0
INPUT_SCALE = 8.0 / LARGEST_FLOAT8
"""Static scale of a float8 linear's input: activations of the tiny model stay below 8."""
UNREAD = tuple(
    f"vae.per_channel_statistics.{name}"
    for name in ("channel", "mean-of-stds", "mean-of-stds_over_std-of-means")
)
"""Statistics that the published files hold and nothing reads."""
TYPES = {"bfloat16": "BF16", "float32": "F32", "float8_e4m3fn": "F8_E4M3"}
README = """\
Random weights: these files make noise, never a dub.

They have the layout of the published LTX-{generation} files at tiny sizes, so that every step of the
generator can be run and tested on any machine. Written by `dubkit models make-tiny` with
seed {seed}; the same seed gives the same bytes. No published weight was used.
"""


class FolderUnusable(DubkitError):
    """The folder for the tiny files is not empty, or cannot be written."""


def make_tiny(
    folder: Path, *, seed: int = 0, generation: Generation = "2", force: bool = False
) -> list[Path]:
    """Write the set into `folder` and return its files and folders.

    Everything is written beside the folder first, so that a full disk leaves nothing half-written. With
    `force` files of an earlier set are replaced; anything else in the folder stays.

    Raises `FolderUnusable` when the folder holds anything, or with `force` a weight file that is no random
    one, or cannot be written; `DiskFull` when there is no room.
    """
    need_torch()
    folder = folder.expanduser()
    _check_free(folder, generation, force)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            _write_set(staging, seed, generation)
            _move(staging, folder)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(folder) from error
        raise FolderUnusable(
            f"{folder} cannot be written: {error.strerror}.\nGive another folder."
        ) from error
    log.info("wrote tiny random files of generation %s into %s", generation, folder)
    return sorted(folder / name for name in (*NAMES[generation].values(), GEMMA))


def _check_free(folder: Path, generation: Generation, force: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise FolderUnusable(f"{folder} is a file.\nGive a folder that is empty or does not exist yet.")
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not force:
        raise FolderUnusable(
            f"{folder} is not empty.\n"
            "Give another folder, or --force to replace tiny files of an earlier run."
        )
    for path in (
        *(folder / name for name in NAMES[generation].values()),
        folder / GEMMA / "model.safetensors",
    ):
        if path.exists() and not random_weights(path):
            raise FolderUnusable(
                f"{path} was not written by make-tiny: it may be a real model.\n"
                "Give another folder, or remove that file yourself."
            )


def _move(staging: Path, folder: Path) -> None:
    if not folder.exists():
        staging.chmod(0o755)  # temporary folders are made for their owner alone
        staging.replace(folder)
        return
    for path in sorted(staging.rglob("*")):
        target = folder / path.relative_to(staging)
        if path.is_dir():
            target.mkdir(exist_ok=True)
        else:
            path.replace(target)


# --- the files ---------------------------------------------------------------------------------


def _write_set(folder: Path, seed: int, generation: Generation) -> None:
    from dubkit.ltx.codec_config import read_upsampler
    from dubkit.ltx.config import read_checkpoint
    from dubkit.models.tiny import gemma as tiny_gemma
    from dubkit.models.weights.parts import checkpoint_shapes, transformer_linears, upsampler_shapes

    sizes, names = TINY[generation], NAMES[generation]
    version = {"model_version": "2.3.0"} if generation == "2.3" else {}
    note = {RANDOM: f"seed {seed}: random values that make noise, never a dub"}
    gemma = tiny_gemma.GemmaSizes()

    def drawn(name: str, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
        return {
            key: random_tensor(f"{seed}/{generation}/{name}/{key}", key, shapes[key])
            for key in sorted(shapes)
        }

    values = checkpoint_values(sizes, generation)
    metadata = {"config": json.dumps(values), **version, **note}
    config = read_checkpoint(metadata, frozenset(), "The tiny checkpoint")
    shapes = checkpoint_shapes(config, gemma.states)
    shapes |= dict.fromkeys(UNREAD, (sizes.video_latent,))
    tensors = drawn("checkpoint", shapes)
    write_safetensors(folder / names["checkpoint"], tensors, metadata)
    write_safetensors(folder / names["float8"], scaled_float8(tensors, sizes.layers), metadata)

    linears = transformer_linears(config.transformer)
    blocks = {
        layer: shape
        for layer, shape in linears.items()
        if layer.startswith("transformer_blocks.") and layer.endswith(LORA_LAYERS)
    }
    for name, layers in (("distilled", linears), ("dubbing", blocks)):
        write_safetensors(folder / names[name], drawn(name, lora_shapes(layers)), {"format": "pt", **note})
    for kind in ("spatial", "temporal"):
        flat = upsampler_values(sizes, kind, generation)
        shapes = upsampler_shapes(read_upsampler(flat))
        write_safetensors(
            folder / names[kind], drawn(kind, shapes), {"config": json.dumps(flat), **version, **note}
        )

    tiny_gemma.write_settings(folder / GEMMA, gemma)
    weights = drawn("gemma", tiny_gemma.shapes(gemma))
    write_safetensors(folder / GEMMA / "model.safetensors", weights, {"format": "pt", **note})
    (folder / "README.txt").write_text(README.format(generation=generation, seed=seed), encoding="utf-8")


def lora_shapes(layers: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Return key and shape of a LoRA's tensors for linears given by name and [outputs, inputs]."""
    shapes: dict[str, tuple[int, ...]] = {}
    for layer, (outputs, inputs) in layers.items():
        shapes[f"diffusion_model.{layer}.lora_A.weight"] = (RANK, inputs)
        shapes[f"diffusion_model.{layer}.lora_B.weight"] = (outputs, RANK)
    return shapes


def scaled_float8(tensors: Mapping[str, Tensor], layers: int) -> dict[str, Tensor]:
    """Return a checkpoint with the attentions and feed-forwards of its inner blocks in float8 with scales.

    The outer blocks stay as they are: in the published file the first and the last five.
    """
    import torch

    whole = {0, *range(layers - max(1, layers // 9), layers)}
    result = dict(tensors)
    for key, weight in tensors.items():
        head, _, rest = key.partition("transformer_blocks.")
        if head != "model.diffusion_model." or not key.removesuffix(".weight").endswith(LORA_LAYERS):
            continue
        if not key.endswith(".weight") or int(rest.partition(".")[0]) in whole:
            continue
        scale = weight.float().abs().max() / LARGEST_FLOAT8
        rounded = (weight.float() / scale).clamp(-LARGEST_FLOAT8, LARGEST_FLOAT8)
        result[key] = rounded.to(torch.float8_e4m3fn)
        result[f"{key}_scale"] = scale
        result[f"{key.removesuffix('weight')}input_scale"] = torch.tensor(INPUT_SCALE)
    return result


def write_safetensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a safetensors file whose bytes depend on its content alone.

    The library keeps metadata in no particular order, so its files differ from run to run.
    """
    import torch

    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))}
    at = 0
    for key, tensor in sorted(tensors.items()):
        size = tensor.numel() * tensor.element_size()
        kind = TYPES[str(tensor.dtype).removeprefix("torch.")]
        header[key] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors begin at a multiple of eight, as the format asks
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        stream.write(len(text).to_bytes(8, "little") + text)
        for _, tensor in sorted(tensors.items()):
            stream.write(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
        stream.flush()
        os.fsync(stream.fileno())
