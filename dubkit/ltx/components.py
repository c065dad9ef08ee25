"""Open each part of a checkpoint, and the files that go with it, as a module ready for inference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import torch
from torch import nn

from dubkit.ltx.audio_vae import AudioDecoder, AudioEncoder
from dubkit.ltx.bigvgan import ExtendedVocoder
from dubkit.ltx.bigvgan import open_vocoder as build_vocoder
from dubkit.ltx.codec_config import UpsamplerConfig, read_upsampler
from dubkit.ltx.lora import Fusion, LoRA, LoRAReport
from dubkit.ltx.memory import CONNECTORS, TRANSFORMER
from dubkit.ltx.metadata import parse_metadata
from dubkit.ltx.quantize import CastLinear, holds_float8, use_cast, use_scaled
from dubkit.ltx.statistics import ChannelStatistics
from dubkit.ltx.streaming import BlockStream
from dubkit.ltx.transformer import AVTransformer
from dubkit.ltx.upsampler import LatentUpsampler
from dubkit.ltx.video_vae import VideoDecoder, VideoEncoder
from dubkit.ltx.vocoder import Vocoder
from dubkit.ltx.weights import Checkpoint, Device, load

C = TypeVar("C")
M = TypeVar("M", bound=nn.Module)
STATISTICS = "vae.per_channel_statistics."
UNUSED_STATISTICS = tuple(f"{STATISTICS}{name}" for name in ("channel", "mean-of-stds"))
"""Beginnings of what lies beside the two statistics in use."""


class OpenedTransformer(NamedTuple):
    """A transformer with its LoRAs, and its blocks where they are streamed."""

    network: AVTransformer
    blocks: BlockStream | None
    """To pass as `blocks` to `text` and `forward`; None where all are on the device."""
    loras: list[LoRAReport]


def open_transformer(
    checkpoint: Checkpoint,
    device: Device,
    dtype: torch.dtype,
    *,
    loras: Sequence[LoRA] = (),
    cast_float8: bool = False,
    stream: bool = False,
) -> OpenedTransformer:
    """Load the transformer with LoRAs fused, in float8 where the file is or `cast_float8` asks for it.

    `stream` keeps the blocks in host memory, for devices that cannot hold them.

    Raises:
        ValueError: the file, or a LoRA, does not fit; float8 on MPS; a cast of a file in float8.
    """
    device, streamed = torch.device(device), "transformer_blocks." if stream else ()
    scaled = holds_float8(checkpoint)
    if device.type == "mps" and (scaled or cast_float8):
        raise ValueError(
            f"MPS has no float8: use the full-precision checkpoint instead of {checkpoint.path}."
        )
    with torch.device("meta"):
        network = AVTransformer(checkpoint.config.transformer)
        fusion = Fusion(loras, network, dtype, device)
        if cast_float8:
            use_cast(network, checkpoint)
        elif scaled:
            use_scaled(network, checkpoint, TRANSFORMER)

    def place(name: str) -> Device:
        return "cpu" if name.startswith(streamed) else device

    load(network, checkpoint, TRANSFORMER, place, dtype, ignore=CONNECTORS, change=fusion)
    fusion.fuse_scaled(network)
    for part in network.modules():
        if isinstance(part, CastLinear):
            part.round_bias()
    blocks = BlockStream(network.transformer_blocks, device) if stream else None
    return OpenedTransformer(network, blocks, fusion.reports)


def open_video_encoder(checkpoint: Checkpoint, device: Device, dtype: torch.dtype) -> VideoEncoder:
    prefixes = {"vae.encoder.": "", STATISTICS: "per_channel_statistics."}
    return _open(VideoEncoder, checkpoint.config.video_vae, checkpoint, prefixes, device, dtype)


def open_video_decoder(checkpoint: Checkpoint, device: Device, dtype: torch.dtype) -> VideoDecoder:
    prefixes = {"vae.decoder.": "", STATISTICS: "per_channel_statistics."}
    return _open(VideoDecoder, checkpoint.config.video_vae, checkpoint, prefixes, device, dtype)


def open_audio_encoder(checkpoint: Checkpoint, device: Device, dtype: torch.dtype) -> AudioEncoder:
    prefixes = {"audio_vae.encoder.": "", f"audio_{STATISTICS}": "per_channel_statistics."}
    return _open(AudioEncoder, checkpoint.config.audio_vae, checkpoint, prefixes, device, dtype)


def open_audio_decoder(checkpoint: Checkpoint, device: Device, dtype: torch.dtype) -> AudioDecoder:
    prefixes = {"audio_vae.decoder.": "", f"audio_{STATISTICS}": "per_channel_statistics."}
    return _open(AudioDecoder, checkpoint.config.audio_vae, checkpoint, prefixes, device, dtype)


def open_vocoder(checkpoint: Checkpoint, device: Device, dtype: torch.dtype) -> Vocoder | ExtendedVocoder:
    return _open(build_vocoder, checkpoint.config.vocoder, checkpoint, {"vocoder.": ""}, device, dtype)


def open_statistics(checkpoint: Checkpoint, device: Device, dtype: torch.dtype) -> ChannelStatistics:
    """Load the picture latents' statistics, which upsampling needs beside the upsampler."""
    channels = checkpoint.config.video_vae.latent_channels
    return _open(ChannelStatistics, channels, checkpoint, {STATISTICS: ""}, device, dtype)


def open_upsampler(path: Path, checkpoint: Checkpoint, device: Device, dtype: torch.dtype) -> LatentUpsampler:
    """Load a latent upsampler that works in the latent space of `checkpoint`.

    Raises:
        ValueError: the upsampler was made for another generation, or other latents.
    """
    config = upsampler_config(path, checkpoint)
    return _open(LatentUpsampler, config, Checkpoint(path), {"": ""}, device, dtype)


def upsampler_config(path: Path, checkpoint: Checkpoint) -> UpsamplerConfig:
    """Read what a latent upsampler is from its header, and hold it against `checkpoint`.

    Raises:
        ValueError: the upsampler was made for another generation, or other latents.
    """
    file = Checkpoint(path)
    config, latents = read_upsampler(parse_metadata(file.metadata, str(path))), checkpoint.config.video_vae
    if config.in_channels != latents.latent_channels:
        raise ValueError(
            f"{path} upsamples latents of {config.in_channels} channels, those of {checkpoint.path} have "
            f"{latents.latent_channels}. Use the upsampler of the checkpoint's generation."
        )
    # Sizes agree between the generations, latent spaces do not. LTX-2's spatial one alone is rational.
    first = checkpoint.config.text.version == 1
    if config.spatial and config.rational != first:
        made, needed = ("LTX-2.3", "LTX-2 (19B)") if first else ("LTX-2 (19B)", "LTX-2.3")
        raise ValueError(
            f"{path} is the spatial upsampler of {made}, but {checkpoint.path} is {needed}. Use its own."
        )
    return config


def _open(
    build: Callable[[C], M],
    config: C,
    checkpoint: Checkpoint,
    prefixes: Mapping[str, str],
    device: Device,
    dtype: torch.dtype,
) -> M:
    with torch.device("meta"):
        module = build(config)
    return load(module, checkpoint, prefixes, device, dtype, ignore=UNUSED_STATISTICS)
