"""How much of a model is on the device at a time, chosen from measured free memory."""

from __future__ import annotations

import gc
from typing import Literal, NamedTuple

import torch

from dubkit.ltx.config import TransformerConfig
from dubkit.ltx.weights import Checkpoint

Mode = Literal["resident", "component", "streaming"]
TRANSFORMER = "model.diffusion_model."
CONNECTORS = (f"{TRANSFORMER}video_embeddings_connector.", f"{TRANSFORMER}audio_embeddings_connector.")
BLOCKS = f"{TRANSFORMER}transformer_blocks."


class PartSizes(NamedTuple):
    """Bytes of a model's parts as they lie on the device."""

    transformer: int
    blocks: int
    """The part of the transformer that streaming keeps in host memory."""
    largest_block: int
    text: int
    others: tuple[int, ...]
    """What runs after the text path, before or behind the transformer: picture and sound codecs."""


class MemoryPlan(NamedTuple):
    """The chosen mode, and why, in a sentence or two."""

    mode: Mode
    text_on_device: bool
    """False where the text path alone is too large for the device, and runs on the CPU, once a prompt."""
    reason: str


def measure_sizes(checkpoint: Checkpoint, *, widening: float = 1.0, text_encoder: int = 0) -> PartSizes:
    """Add up a checkpoint's parts from its header.

    `widening` is the size on the device over that in the file, 2 for a bfloat16 file used in float32;
    `text_encoder` the bytes of the text encoder, which is not in the checkpoint.
    """

    def size(*prefixes: str) -> int:
        return int(checkpoint.size(*prefixes) * widening)

    indices = {key.removeprefix(BLOCKS).split(".")[0] for key in checkpoint.entries if key.startswith(BLOCKS)}
    return PartSizes(
        transformer=size(TRANSFORMER) - size(*CONNECTORS),
        blocks=size(BLOCKS),
        largest_block=max((size(f"{BLOCKS}{index}.") for index in indices), default=0),
        text=text_encoder + size("text_embedding_projection.", *CONNECTORS),
        others=(size("vae."), size("audio_vae.", "vocoder.")),
    )


def working_bytes(tokens: int, width: int, itemsize: int) -> int:
    """Bytes that a block needs beside weights, counted, not measured: twelve token tensors.

    They are the residual, its normed copy, the feed-forward's fourfold hidden values before and after
    their activation, and two to spare.
    """
    return 12 * tokens * width * itemsize


def text_key_bytes(config: TransformerConfig, prompts: int, tokens: int, itemsize: int) -> int:
    """Bytes of every block's keys and values of some prompts, 1.2 GB for one of the 19B in bfloat16."""
    kept = 0 if config.text_modulation else 2 * config.layers * (config.video.width + config.audio.width)
    return prompts * tokens * kept * itemsize


def prompt_bytes(config: TransformerConfig, prompts: int, tokens: int, itemsize: int) -> int:
    """Bytes of prompts while blocks read them: 88 MB for two of the 19B in bfloat16, 80 of them seen.

    They are the contexts of all prompts, one prompt's keys and values of a block and of the one before it,
    and one more for what these are made from. Large clips have room for them in `working_bytes`.
    """
    return (prompts + 5) * tokens * (config.video.width + config.audio.width) * itemsize


def fusing_bytes(config: TransformerConfig, itemsize: int, *, scaled: bool) -> int:
    """Bytes that a LoRA needs while it is added to the largest linear: three of its size, 0.4 GB for the 19B.

    Linears of a float8 file with scales are expanded to float32, and that takes 18 bytes for each weight:
    1.2 GB, of which 1.0 were seen on fake tensors.
    """
    return 4 * config.video.width**2 * (18 if scaled else 3 * itemsize)


def tile_bytes(base_channels: int, itemsize: int) -> int:
    """Bytes that decoding needs beside its weights for a whole tile, 65 frames of 512 x 512.

    It is nine tensors of the last stage, which works on 128 x 128 places of a frame: 2.5 GB for the 19B in
    bfloat16, of which 2.2 were seen on fake tensors.
    """
    return 9 * base_channels * 65 * 128 * 128 * itemsize


def feature_bytes(checkpoint: Checkpoint, tokens: int) -> int:
    """Bytes that the text features of a prompt need beside the text path's weights: ten for each value.

    1.9 GB for the 19B's 1024 tokens, as seen on fake tensors in bfloat16: hidden states, and two of float32.
    """
    prefix = "text_embedding_projection."
    states = (x.shape[1] for k, x in checkpoint.entries.items() if k.startswith(prefix) and len(x.shape) == 2)
    return 10 * tokens * max(states, default=0)


def choose_mode(
    free_device: int,
    sizes: PartSizes,
    *,
    working: int,
    free_host: int,
    keys: int = 0,
    tile: int = 0,
    features: int = 0,
) -> MemoryPlan:
    """Choose the fastest mode whose weights fit beside `working` bytes into nine tenths of the free memory.

    `keys` are the prompts' keys and values, or what else only a transformer that is not streamed needs;
    `tile` and `features` are what codecs and text need in the place of `working` where it is more.

    Raises:
        ValueError: not even two blocks at a time fit, or the host cannot hold the blocks.
    """
    usable = max(int(free_device * 0.9) - working, 0)  # A tenth for the allocator's fragments.
    codec = max(sizes.others) + max(tile - working, 0)
    total = sizes.transformer + keys + sizes.text + sum(sizes.others)
    largest = max(sizes.transformer + keys, codec)
    streamed = max(sizes.transformer - sizes.blocks + 2 * sizes.largest_block, codec)
    fits_text = sizes.text + max(features - working, 0) <= usable
    room = f"{_gb(free_device)} are free, {_gb(usable)} of them for weights."
    if not fits_text:
        room += f" The text encoder, {_gb(sizes.text)}, runs on the CPU."
    if total <= usable:
        return MemoryPlan("resident", True, f"All parts stay loaded, {_gb(total)}: {room}")
    if largest <= usable:
        return MemoryPlan(
            "component", fits_text, f"One part is loaded at a time, all would take {_gb(total)}: {room}"
        )
    if streamed > usable:
        raise ValueError(
            f"Streaming the blocks takes {_gb(streamed)}: {room} "
            "Use fewer frames, a smaller picture, or a device with more memory."
        )
    # torch rounds each page-locked buffer up to a power of two.
    host = sizes.blocks * (1 << (sizes.largest_block - 1).bit_length()) // max(sizes.largest_block, 1)
    if host > free_host:
        raise ValueError(
            f"Streaming takes {_gb(host)} for blocks in host memory, where {_gb(free_host)} are free. "
            "Use the float8 checkpoint, or a machine with more memory."
        )
    reason = (
        f"Blocks come from host memory one by one, as the transformer takes {_gb(sizes.transformer)}: {room}"
    )
    return MemoryPlan("streaming", fits_text, reason)


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"


def devices_here() -> list[str]:
    """Name the devices of this machine, the strongest first: `cuda:0`, …, `mps`, `cpu`."""
    cuda = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    return [*cuda, *(["mps"] if torch.backends.mps.is_available() else []), "cpu"]


def empty_caches() -> None:
    """Give back what torch keeps of the memory of parts that are gone."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


def card_memory(device: torch.device) -> int:
    """Measure the bytes that can still be allocated on a graphics card: CUDA, else Apple's.

    What is free of the host's memory is for the caller to say, as a container may limit it.
    """
    if device.type == "cuda":
        # What torch holds in reserve is free to torch, though not to the driver.
        reserve = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + reserve
    return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
