"""From prompt and media to what the network reads: contexts, and latents at both stages' sizes.

Results lie on the CPU, in the models' dtype, so that they can be stored and used anywhere.
Letters: C latent channels, F latent frames, H and W latent rows and columns, T sound latents, M mel bins.
"""

from __future__ import annotations

from fractions import Fraction

import torch
import torch.nn.functional as F
from torch import Tensor

from dubkit.dubbing.clip.media import ClipMedia, GivenWave, Still, laid
from dubkit.dubbing.clip.pixels import compressed
from dubkit.dubbing.diffusion.clip_latents import Contexts, EncodedClip, View
from dubkit.dubbing.diffusion.recipes import DOUBLE, Recipe
from dubkit.errors import DubkitError
from dubkit.ltx import mel
from dubkit.ltx.audio_vae import AudioEncoder
from dubkit.ltx.latents import latent_frames, latent_size
from dubkit.ltx.text import TOKENS, TextEncoder
from dubkit.ltx.tiling import Tiling, encode_tiled
from dubkit.ltx.video_vae import VideoEncoder


class PromptTooLong(DubkitError):
    """A prompt has more tokens than the network reads; the original cuts the end off silently."""

    def __init__(self, prompt: str, tokens: int) -> None:
        super().__init__(
            f"The prompt {prompt.strip()[:60]!r}... has {tokens} tokens, and the generator reads {TOKENS}.\n"
            f"Shorten it by about {100 * (tokens - TOKENS) // tokens + 1} %: the rest would not be read."
        )


def encode_prompt(encoder: TextEncoder, prompt: str) -> Contexts:
    """Return a prompt's contexts.

    Raises:
        PromptTooLong: more than 1024 tokens, the one at the beginning of every prompt included.
    """
    tokens = 1 + len(encoder.tokenizer.tokenizer.encode(prompt.strip(), add_special_tokens=False).ids)
    if tokens > TOKENS:
        raise PromptTooLong(prompt, tokens)
    video, audio = encoder(prompt)
    return Contexts(video.cpu().contiguous(), audio.cpu().contiguous())


def encode_clip(
    media: ClipMedia,
    recipe: Recipe,
    width: int,
    height: int,
    video_encoder: VideoEncoder,
    audio_encoder: AudioEncoder,
    tiling: Tiling | None,
    *,
    lead: float = 0.0,
) -> EncodedClip:
    """Encode a clip for both stages; `width` and `height` are the first stage's pixels.

    `tiling` applies to the reference; stills are encoded whole. The target's sound begins `lead` seconds
    before its picture, and sound in step with it is silent for as long.

    Raises:
        ValueError: no sound where the recipe listens to the source, or a size off the grid.
    """
    if media.fit is not None and (media.fit.width, media.fit.height) != (width, height):
        fit = f"{media.fit.width}x{media.fit.height}"
        raise ValueError(f"{media.name} is fitted into {fit}, and {width}x{height} is asked for.")
    latent_size(height, width)
    listens = media.pictures is not None and (media.given is None or recipe.given_reference)
    if listens and media.wave is None:
        raise ValueError(
            f"{media.name} has no sound, and {recipe.name} listens to the source. Use a clip with its sound."
        )
    stills = _stills(media, recipe)
    later = recipe.still_crf if recipe.second_still_crf is None else recipe.second_still_crf
    views = []
    for factor, crf in ((1, recipe.still_crf), (DOUBLE, later)):
        size = height * factor, width * factor
        pictures = [compressed(still.picture, crf) for still in stills]
        encoded = tuple(_encode(p[None], media, *size, video_encoder, None) for p in pictures)
        views.append(View(encoded, _reference(media, recipe, *size, video_encoder, tiling)))
    return EncodedClip(
        frames=media.frames,
        height=height,
        width=width,
        channels=audio_encoder.config.latent_channels,
        bins=audio_encoder.bins,
        first=views[0],
        second=views[1],
        places=tuple((still.frame, still.strength) for still in stills),
        sound=_heard(media, recipe, audio_encoder, lead) if listens else None,
        given=_given(media, audio_encoder, lead),
    )


def encode_given(
    sound: GivenWave, frames: int, rate: Fraction, encoder: AudioEncoder, *, lead: float = 0.0
) -> Tensor:
    """Return the latent (1, C, T, M) of a sound that drives `frames` pictures.

    It is cut or padded as samples: a latent of zeros is no silence. `lead` seconds of silence come first.
    """
    wave = mel.fit(sound.wave.float(), mel.sample_count(frames, rate, sound.sample_rate))
    return _latent(F.pad(wave, (round(lead * sound.sample_rate), 0)), sound.sample_rate, encoder)


def _given(media: ClipMedia, encoder: AudioEncoder, lead: float) -> Tensor | None:
    if media.given is None:
        return None
    return encode_given(media.given, media.frames, media.rate, encoder, lead=lead)


def encode_frames(
    frames: Tensor, media: ClipMedia, width: int, height: int, encoder: VideoEncoder, tiling: Tiling | None
) -> tuple[Tensor, Tensor]:
    """Return other frames of a clip's picture (8k+1, H, W, 3) as latents (1, C, k+1, H, W) at both sizes."""
    first, second = (
        _encode(frames, media, height * times, width * times, encoder, tiling) for times in (1, DOUBLE)
    )
    return first, second


def _stills(media: ClipMedia, recipe: Recipe) -> tuple[Still, ...]:
    if media.stills is None:
        return (Still(media.pictures[0]),) if recipe.first_frame and media.pictures is not None else ()
    count = latent_frames(media.frames)
    for still in media.stills:
        if not 0 <= still.frame < count:
            raise ValueError(f"A still is for latent frame {still.frame}; {media.name} has 0 to {count - 1}.")
    return media.stills


def _reference(
    media: ClipMedia, recipe: Recipe, height: int, width: int, encoder: VideoEncoder, tiling: Tiling | None
) -> Tensor | None:
    if media.pictures is None:
        return None
    scale = recipe.reference_scale
    latent_size(height // scale, width // scale)
    missing = media.frames - media.real_frames
    pictures = torch.cat([media.pictures, media.pictures[-1:].expand(missing, -1, -1, -1)])
    return _encode(pictures, media, height // scale, width // scale, encoder, tiling)


def _encode(
    pictures: Tensor,
    media: ClipMedia,
    height: int,
    width: int,
    encoder: VideoEncoder,
    tiling: Tiling | None,
) -> Tensor:
    weight = next(encoder.parameters())
    signed = laid(pictures, media.fit, height, width, weight.dtype).to(weight.device)
    return (encoder(signed) if tiling is None else encode_tiled(encoder, signed, tiling)).cpu().contiguous()


def _heard(media: ClipMedia, recipe: Recipe, encoder: AudioEncoder, lead: float) -> Tensor | None:
    assert media.wave is not None
    wave = media.wave.float()
    if recipe.sound == "in step":
        wave = mel.fit(wave, mel.sample_count(media.frames, media.rate, media.sample_rate))
        wave = F.pad(wave, (round(lead * media.sample_rate), 0))
    return _latent(wave, media.sample_rate, encoder)


def _latent(wave: Tensor, rate: int, encoder: AudioEncoder) -> Tensor:
    # In float32 on the CPU, whatever the encoder's device: a spectrum has no digits to spare.
    spectrum = encoder.mel(wave[None], rate)
    with torch.no_grad():
        heard: Tensor = encoder(spectrum.to(next(encoder.parameters()).device))
    return heard.cpu().contiguous()
