"""Each part of the generator on a card against the processor: the same tiny weights, inputs and precision.

Nothing is drawn on the card, whose random numbers are its own; what goes in is drawn on the processor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from dubkit.dubbing.clip.encode import encode_prompt
from dubkit.dubbing.diffusion.parts import Files
from dubkit.ltx import components
from dubkit.ltx.latents import audio_positions, video_positions
from dubkit.ltx.lora import LoRA
from dubkit.ltx.modulation import Levels
from dubkit.ltx.text import TextEncoder
from dubkit.ltx.transformer import Tokens
from dubkit.ltx.upsampler import upsample
from dubkit.ltx.weights import Checkpoint
from dubkit.models.tiny.files import GEMMA, NAMES

BOUND = 0.02
"""Relative norm of the difference: bfloat16 has eight bits, and sums are taken in another order."""
HALF = torch.bfloat16
Make = Callable[[torch.device], tuple[Tensor, ...]]


class Compared(NamedTuple):
    """One part's distance: the norm of the difference over that of the processor's result."""

    part: str
    distance: float

    @property
    def close(self) -> bool:
        # Said positively, so that an undefined distance is refused too.
        return self.distance <= BOUND


def compare(folder: Path, device: torch.device) -> Iterator[Compared]:
    """Compare every part on `device` with the processor, with the tiny files of a folder."""
    for part, make in _parts(folder).items():
        with torch.inference_mode():
            here, there = (
                torch.cat([x.cpu().float().flatten() for x in make(place)])
                for place in (torch.device("cpu"), device)
            )
            yield Compared(part, float((there - here).norm() / here.norm()))


def _parts(folder: Path) -> dict[str, Make]:
    files, whole, rounded = _files(folder), "checkpoint", "float8"
    return {
        "text encoder": lambda device: _text(files, device),
        "picture encoder": lambda device: _codec(files, device, "open_video_encoder", (1, 3, 9, 64, 64)),
        "sound encoder": lambda device: _codec(files, device, "open_audio_encoder", (1, 2, 40, 64)),
        "transformer, bf16": lambda device: _transformer(folder / NAMES["2"][whole], files, device),
        "transformer, bf16, streamed": lambda device: _transformer(
            folder / NAMES["2"][whole], files, device, stream=True
        ),
        "transformer, float8 cast": lambda device: _transformer(
            folder / NAMES["2"][whole], files, device, cast_float8=True
        ),
        "transformer, float8 file": lambda device: _transformer(folder / NAMES["2"][rounded], files, device),
        "upsampler": lambda device: _upsampled(files, device),
        "picture decoder": lambda device: _codec(files, device, "open_video_decoder", (1, 8, 2, 2, 2)),
        "sound decoder": lambda device: _codec(files, device, "open_audio_decoder", (1, 2, 10, 16)),
        "vocoder": lambda device: _codec(files, device, "open_vocoder", (1, 2, 40, 64)),
    }


def _files(folder: Path) -> Files:
    names = NAMES["2"]
    loras = (LoRA(folder / names["dubbing"]),)
    return Files(folder / names["checkpoint"], folder / names["spatial"], folder / GEMMA, loras)


def _drawn(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(HALF)


def _text(files: Files, device: torch.device) -> tuple[Tensor, ...]:
    encoder = TextEncoder.open(Checkpoint(files.checkpoint), files.gemma, device, HALF)
    return tuple(encode_prompt(encoder, 'The man is speaking French, saying: "Bonjour."'))


def _codec(files: Files, device: torch.device, opener: str, shape: tuple[int, ...]) -> tuple[Tensor, ...]:
    module = getattr(components, opener)(Checkpoint(files.checkpoint), device, HALF)
    return (module(_drawn(*shape).to(device)),)


def _upsampled(files: Files, device: torch.device) -> tuple[Tensor, ...]:
    assert files.upsampler is not None
    checkpoint = Checkpoint(files.checkpoint)
    model = components.open_upsampler(files.upsampler, checkpoint, device, HALF)
    statistics = components.open_statistics(checkpoint, device, HALF)
    return (upsample(_drawn(1, 8, 2, 4, 4).to(device), model, statistics),)


def _transformer(path: Path, files: Files, device: torch.device, **options: Any) -> tuple[Tensor, ...]:
    opened = components.open_transformer(Checkpoint(path), device, HALF, loras=files.loras, **options)
    network, grid, sounds = opened.network, (2, 4, 4), 10
    video, audio = _drawn(1, 32, 8).to(device), _drawn(1, sounds, 32, seed=2).to(device)
    width = network.config.caption_channels
    kept = None if opened.blocks is None else ()
    text = network.text(*(_drawn(1, 128, width, seed=n).to(device) for n in (3, 4)), blocks=kept)
    rotations = network.rotations(video_positions(*grid, 25).to(device), audio_positions(sounds).to(device))
    levels = [torch.full((n,), 0.7, device=device) for n in (32, sounds)]
    levels[0][:16] = 0
    tokens = Tokens(video, Levels.of(levels[0]), 0.7), Tokens(audio, Levels.of(levels[1]), 0.7)
    pair: tuple[Tensor, ...] = network(*tokens, text, rotations, blocks=opened.blocks)
    return pair
