"""What a forward pass of the joint transformer costs, in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from dubkit.ltx.config import TransformerConfig
from dubkit.types import Clip

FRAMES, PIXELS, SOUNDS = 8, 32, 25
"""Frames and pixels for one latent, sound latents for a second: `dubkit.ltx.latents`, which loads torch."""
TEXT_TOKENS = 1024


@dataclass(frozen=True, slots=True)
class Shape:
    """Numbers of tokens of one forward pass."""

    video: int
    audio: int
    text: int
    cross_video: int
    """Picture tokens that exchange with the sound; the same number as `video` where nothing is masked."""
    cross_audio: int
    video_levels: int = 1
    """Distinct noise levels."""
    audio_levels: int = 1


def forward_flops(config: TransformerConfig, shape: Shape) -> int:
    """Return floating-point operations (two for a multiply-add) of matrix products and attention scores.

    The text's keys and values are counted in `text_flops`: they are computed once for a prompt.
    """
    v, a = config.video.width, config.audio.width
    nv, na, nt = shape.video, shape.audio, shape.text
    cv, ca = shape.cross_video, shape.cross_audio

    def own(tokens: int, width: int) -> int:
        linears = (8 + 4 + 16) * tokens * width**2
        return linears + 4 * tokens**2 * width + 4 * tokens * nt * width

    across = 8 * cv * v * a + 8 * ca * a**2 + 8 * cv * ca * a
    block = own(nv, v) + own(na, a) + across
    ends = 2 * nv * v * (config.video.in_channels + config.video.out_channels)
    ends += 2 * na * a * (config.audio.in_channels + config.audio.out_channels)
    rows = 9 if config.text_modulation else 6

    def levels(count: int, width: int) -> int:
        # Three embeddings of 256 features; tables of `rows`, 4 and 1 vectors.
        return 2 * count * (3 * (256 * width + width**2) + (rows + 4 + 1) * width**2)

    return config.layers * block + ends + levels(shape.video_levels, v) + levels(shape.audio_levels, a)


def text_flops(config: TransformerConfig, text: int) -> int:
    """Return the operations that a prompt costs once: projections, and every block's keys and values."""
    v, a, c = config.video.width, config.audio.width, config.caption_channels
    projections = 2 * text * (c * v + v**2 + c * a + a**2) if config.caption_projection else 0
    return projections + config.layers * 4 * text * (v**2 + a**2)


def clip_flops(
    config: TransformerConfig, clip: Clip, rate: Fraction, stage: Literal["first", "second"]
) -> int:
    """Return the operations of one forward pass over a clip with its references.

    The picture's first latent frame is the source's own, and the second stage hears no reference.
    """
    factor = 1 if stage == "first" else 2
    frame = clip.fit.width * clip.fit.height * factor**2 // PIXELS**2
    frames = (clip.frames - 1) // FRAMES + 1
    sounds = round(clip.frames / rate * SOUNDS) + 1
    shape = Shape(
        video=2 * frames * frame,
        audio=sounds * (2 if stage == "first" else 1),
        text=TEXT_TOKENS,
        cross_video=(frames - 1) * frame,
        cross_audio=sounds,
        video_levels=2,
        audio_levels=2 if stage == "first" else 1,
    )
    return forward_flops(config, shape)
