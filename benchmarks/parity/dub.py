"""The reference's media and models, opened for comparison; the runs themselves are the library's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from torch import Tensor

from benchmarks.parity.network import open_transformer
from benchmarks.parity.report import Folder
from benchmarks.parity.text import open_text
from dubkit.dubbing.diffusion.sampler import States
from dubkit.ltx import components, latents
from dubkit.ltx.audio_vae import AudioDecoder, AudioEncoder
from dubkit.ltx.lora import LoRA
from dubkit.ltx.statistics import ChannelStatistics
from dubkit.ltx.text import TextEncoder
from dubkit.ltx.tiling import Tiling, decode_tiled
from dubkit.ltx.upsampler import LatentUpsampler
from dubkit.ltx.video_vae import VideoDecoder, VideoEncoder
from dubkit.ltx.weights import Checkpoint


def sample_count(frames: int, fps: float, rate: int) -> int:
    """Return the samples that go with some frames as the original counts them.

    In floating point it may lose one sample, which the library's own count does not.
    """
    return int(frames / fps * rate)


def read_clip(path: Path, *, sought: bool = False) -> tuple[Tensor, Tensor, int]:
    """Return a clip's frames (F, H, W, 3) uint8, sound (C, N) float32 in -1 to 1, and its sampling rate.

    `sought` moves to the sound's beginning before it is decoded, as originals from March 2026 on do: an AAC
    decoder then lacks the packet before the first, and the first 1024 samples differ.
    """
    with av.open(str(path)) as film:
        frames = [torch.from_numpy(frame.to_ndarray(format="rgb24")) for frame in film.decode(video=0)]
    with av.open(str(path)) as film:
        if sought:
            film.seek(0, stream=film.streams.audio[0])
        rate = film.streams.audio[0].rate
        resampler = av.AudioResampler(format="fltp", rate=rate)
        parts = [out.to_ndarray() for frame in film.decode(audio=0) for out in resampler.resample(frame)]
    return torch.stack(frames), torch.from_numpy(np.concatenate(parts, axis=1)), rate


@dataclass
class Models:
    """The folder's networks in one dtype, each opened when it is first needed."""

    folder: Folder
    dtype: torch.dtype = torch.float32

    @cached_property
    def checkpoint(self) -> Checkpoint:
        return Checkpoint(self.folder.checkpoint())

    @cached_property
    def text(self) -> TextEncoder:
        return open_text(self.folder, self.dtype)

    @cached_property
    def video_encoder(self) -> VideoEncoder:
        return components.open_video_encoder(self.checkpoint, "cpu", self.dtype)

    @cached_property
    def video_decoder(self) -> VideoDecoder:
        return components.open_video_decoder(self.checkpoint, "cpu", self.dtype)

    @cached_property
    def audio_encoder(self) -> AudioEncoder:
        return components.open_audio_encoder(self.checkpoint, "cpu", self.dtype)

    @cached_property
    def audio_decoder(self) -> AudioDecoder:
        return components.open_audio_decoder(self.checkpoint, "cpu", self.dtype)

    @cached_property
    def vocoder(self) -> Any:
        return components.open_vocoder(self.checkpoint, "cpu", self.dtype)

    @cached_property
    def upsampler(self) -> LatentUpsampler:
        return components.open_upsampler(self.folder.upsampler(), self.checkpoint, "cpu", self.dtype)

    @cached_property
    def statistics(self) -> ChannelStatistics:
        return components.open_statistics(self.checkpoint, "cpu", self.dtype)

    def transformer(self, loras: Sequence[LoRA]) -> components.OpenedTransformer:
        return components.OpenedTransformer(open_transformer(self.folder, loras, self.dtype), None, [])

    def decoded(self, latent: Tensor, tiling: Tiling | None) -> Tensor:
        """Return pixels (1, 3, F, H, W) in -1 to 1, before they become bytes."""
        if tiling is None:
            out: Tensor = self.video_decoder(latent)
            return out
        return torch.cat(list(decode_tiled(self.video_decoder, latent, tiling)), dim=2)


def used_frames(count: int) -> int:
    """Return how many frames of a clip the original uses: it drops what is beyond 8k+1."""
    return (count - 1) // latents.FRAMES_PER_LATENT * latents.FRAMES_PER_LATENT + 1


def noise_of(states: States, generator: torch.Generator) -> tuple[Tensor, ...]:
    """Return what the generator is about to draw for states, and leave it as it was."""
    drawn = torch.Generator()
    drawn.set_state(generator.get_state())
    return tuple(torch.randn(s.latent.shape, generator=drawn, dtype=s.latent.dtype) for s in states)
