"""Two-stage runs of the published recipes, put together from the library's parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from torch import Tensor

from benchmarks.parity_network import open_transformer
from benchmarks.parity_report import Folder
from benchmarks.parity_text import open_text
from dubkit.dubbing import conditioning, guidance, pixels
from dubkit.dubbing.sampler import Denoise, States
from dubkit.dubbing.state import TokenState, clean_prediction, noised, start_state
from dubkit.ltx import components, latents, mel
from dubkit.ltx.audio_vae import AudioDecoder, AudioEncoder
from dubkit.ltx.block import Cross
from dubkit.ltx.lora import LoRA
from dubkit.ltx.modulation import Levels
from dubkit.ltx.statistics import ChannelStatistics
from dubkit.ltx.tiling import Tiling, decode_tiled, encode_tiled
from dubkit.ltx.transformer import AVTransformer, Text, Tokens
from dubkit.ltx.upsampler import LatentUpsampler
from dubkit.ltx.video_vae import VideoDecoder, VideoEncoder
from dubkit.ltx.weights import Checkpoint


@dataclass(frozen=True, slots=True)
class Finished:
    """A stage's result without appended tokens."""

    video: Tensor
    """(1, C, F, H, W)."""
    audio: Tensor
    """(1, C, T, M)."""


def frame_rate(fps: float) -> Fraction:
    """Return a frame rate as the fraction it stands for: 25, or 24000/1001."""
    return Fraction(fps).limit_denominator(1001)


def sample_count(frames: int, fps: float, rate: int) -> int:
    """Return the samples that go with some frames as the original counts them.

    In floating point it may lose one sample, which the library's own count does not.
    """
    return int(frames / fps * rate)


def read_clip(path: Path) -> tuple[Tensor, Tensor, int]:
    """Return a clip's frames (F, H, W, 3) uint8, sound (C, N) float32 in -1 to 1, and its sampling rate."""
    with av.open(str(path)) as film:
        frames = [torch.from_numpy(frame.to_ndarray(format="rgb24")) for frame in film.decode(video=0)]
    with av.open(str(path)) as film:
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
    def text(self) -> Callable[[str], tuple[Tensor, Tensor]]:
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

    def transformer(self, loras: Sequence[LoRA]) -> AVTransformer:
        return open_transformer(self.folder, loras, self.dtype)

    def encode(self, frames: Tensor, height: int, width: int, tiling: Tiling | None = None) -> Tensor:
        """Return the latent of frames (F, H, W, 3) at a size in pixels."""
        signed = pixels.to_signed(pixels.cover(frames, height, width)).to(self.dtype)
        return (
            self.video_encoder(signed) if tiling is None else encode_tiled(self.video_encoder, signed, tiling)
        )

    def decode(self, latent: Tensor, tiling: Tiling | None = None) -> Tensor:
        """Return pixels (1, 3, F, H, W) in -1 to 1."""
        if tiling is None:
            out: Tensor = self.video_decoder(latent)
            return out
        return torch.cat(list(decode_tiled(self.video_decoder, latent, tiling)), dim=2)

    def hear(self, wave: Tensor, rate: int, frames: int, fps: float) -> Tensor:
        """Return the latent of sound (C, N), cut or padded to the length of the frames."""
        wave = mel.fit(wave, sample_count(frames, fps, rate))
        heard: Tensor = self.audio_encoder(self.audio_encoder.mel(wave[None], rate))
        return heard

    def upsample(self, latent: Tensor) -> Tensor:
        return self.statistics.normalize(self.upsampler(self.statistics.un_normalize(latent)))

    def speak(self, latent: Tensor) -> Tensor:
        """Return the waveform (C, N) of an audio latent."""
        wave: Tensor = self.vocoder(self.audio_decoder(latent))
        return wave[0].float()


def start(
    grid: conditioning.Grid,
    video: Tensor,
    audio: Tensor,
    picture: Sequence[conditioning.PictureItem],
    sound: conditioning.SoundReference | None,
) -> tuple[TokenState, TokenState]:
    """Return both streams' states before noise, from initial latents and items."""
    positions = latents.video_positions(grid.frames, grid.height, grid.width, grid.fps)
    state = start_state(latents.patchify_video(video), positions)
    state = conditioning.condition_picture(state, picture, grid).with_rounded_positions()
    heard = start_state(latents.patchify_audio(audio), latents.audio_positions(audio.shape[2]))
    return state, heard if sound is None else sound.apply(heard)


def add_noise(
    states: tuple[TokenState, TokenState], scale: float, generator: torch.Generator
) -> tuple[TokenState, TokenState]:
    """Mix noise into both states, picture first."""
    video = noised(states[0], scale, generator)
    return video, noised(states[1], scale, generator)


def velocity_of(
    model: AVTransformer, states: States, cross: Cross | None, text: Text, sigma: float
) -> tuple[Tensor, Tensor]:
    """Return both streams' velocities in a pass of the transformer."""
    video, audio = states
    out: tuple[Tensor, Tensor] = model(
        Tokens(video.latent, Levels.of(video.levels(sigma)), sigma),
        Tokens(audio.latent, Levels.of(audio.levels(sigma)), sigma),
        text,
        model.rotations(video.positions, audio.positions),
        cross=cross,
    )
    return out


def denoiser(
    model: AVTransformer, cross: Cross | None, positive: Text, negative: Text | None, scale: float
) -> Denoise:
    """Return a predictor of clean latents, guided away from the negative prompt where there is one."""
    guide = guidance.Guidance(cfg=scale if negative is not None else 1.0)

    def predict(states: States, sigma: float, text: Text) -> list[Tensor]:
        pairs = zip(states, velocity_of(model, states, cross, text, sigma), strict=True)
        return [clean_prediction(state, velocity, sigma) for state, velocity in pairs]

    def denoise(states: States, sigma: float) -> list[Tensor]:
        clean = predict(states, sigma, positive)
        if negative is None:
            return clean
        other = predict(states, sigma, negative)
        return [guide.combine(c, negative=n) for c, n in zip(clean, other, strict=True)]

    return denoise


def grid_of(latent: Sequence[int], fps: float) -> conditioning.Grid:
    """Return the grid of a latent's shape (1, C, F, H, W)."""
    _, _, frames, rows, columns = latent
    return conditioning.Grid(frames, rows, columns, fps)


def finish(states: States, grid: conditioning.Grid, channels: int) -> Finished:
    """Drop appended tokens and return latents."""
    video, audio = (state.target() for state in states)
    return Finished(
        latents.unpatchify_video(video, grid.frames, grid.height, grid.width),
        latents.unpatchify_audio(audio, channels),
    )
