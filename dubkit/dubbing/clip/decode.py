"""From latents to pictures and sound."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from dubkit.dubbing.diffusion.clip_latents import SecondStage
from dubkit.ltx.audio_vae import AudioDecoder
from dubkit.ltx.bigvgan import ExtendedVocoder
from dubkit.ltx.tiling import Tiling, decode_tiled
from dubkit.ltx.video_vae import VideoDecoder, to_uint8
from dubkit.ltx.vocoder import Vocoder

AUDIO_SAMPLE_RATE = 24_000
"""Samples per second of the sound that LTX-2 (19B) makes."""
DECODE_SEED = 0
"""Only decoders with timestep conditioning draw noise; it must not change from run to run."""


def decode_clip(
    latents: SecondStage | tuple[Tensor, Tensor],
    video_decoder: VideoDecoder,
    audio_decoder: AudioDecoder,
    vocoder: Vocoder | ExtendedVocoder,
    tiling: Tiling | None,
) -> tuple[Iterator[Tensor], Tensor, int]:
    """Return the frames, a piece (n, H, W, 3) uint8 at a time, the sound (2, N) float32, and its rate in Hz.

    The sound is decoded at once, the picture as it is asked for, so keep its decoder until then.
    """
    pair = (latents.video, latents.audio) if isinstance(latents, SecondStage) else latents
    wave = decode_sound(pair[1], audio_decoder, vocoder)
    return decode_picture(pair[0], video_decoder, tiling), wave, vocoder.sample_rate


def decode_sound(latent: Tensor, audio_decoder: AudioDecoder, vocoder: Vocoder | ExtendedVocoder) -> Tensor:
    """Return the waveform (2, N) float32 of a latent (1, C, T, M)."""
    with torch.no_grad():
        spectrum: Tensor = audio_decoder(latent.to(next(audio_decoder.parameters())))
        wave: Tensor = vocoder(spectrum.to(next(vocoder.parameters())))
    return wave[0].float().cpu()


def decode_picture(latent: Tensor, decoder: VideoDecoder, tiling: Tiling | None) -> Iterator[Tensor]:
    """Yield frames (n, H, W, 3) uint8 of a latent (1, C, F, H, W)."""
    weight = next(decoder.parameters())
    latent = latent.to(weight)
    generator = torch.Generator(weight.device).manual_seed(DECODE_SEED)
    pieces = (
        [decoder(latent, generator)] if tiling is None else decode_tiled(decoder, latent, tiling, generator)
    )
    for piece in pieces:
        if piece.shape[2]:
            yield to_uint8(piece)[0].cpu()
