"""Settings of the embedded generator alone: how clips are refined, and the number type of each part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from dubkit.settings import option

NumberType = Literal["auto", "bfloat16", "float32"]


@dataclass(frozen=True, slots=True)
class JustDubit:
    """Refining clips, and number types"""

    refine: bool = option(
        True, "Refine clips at twice the size; false leaves them as the upscaler enlarges them.", job=True
    )
    refine_noise: bool = option(
        True, "Mix noise into the enlarged clip before it is refined, as the recipes do.", job=True
    )
    refine_steps: Literal["auto", "2", "3"] = option(
        "auto", "Steps of refining; auto takes the recipe's.", job=True
    )
    refine_guidance: Annotated[float, msgspec.Meta(ge=1.0, le=100.0)] = option(
        1.0,
        "Guidance of refining against the negative prompt; 1 is none, else it takes twice as long.",
        job=True,
    )
    refine_crf: Annotated[int, msgspec.Meta(ge=-1, le=51)] = option(
        -1, "H.264 quality of the still that refining sees, 0 to 51; -1 takes the recipe's.", job=True
    )
    refine_offset: Annotated[float, msgspec.Meta(ge=0.0, le=60.0)] = option(
        0.0, "Seconds by which the picture lies after the sound while a clip is refined.", job=True
    )
    transformer: Literal["auto", "bfloat16", "float32", "float8"] = option(
        "auto", "Number type of the transformer; auto is bfloat16 on CUDA, float32 elsewhere."
    )
    text_encoder: NumberType = option("auto", "Number type of the text encoder.")
    video: NumberType = option("auto", "Number type of the video autoencoder.")
    audio: NumberType = option("auto", "Number type of the audio autoencoder.")
    vocoder: NumberType = option("auto", "Number type of the vocoder.")
    upsampler: NumberType = option("auto", "Number type of the spatial upscaler.")
    text_workers: Annotated[int, msgspec.Meta(ge=1, le=64)] = option(
        1,
        "Processes that read prompts, each on a card of its own or beside each other on the processor; "
        "one reads the files for all.",
        machine=True,
    )


TABLE = "dub.justdubit"
PARTS = ("transformer", "text_encoder", "video", "audio", "vocoder", "upsampler")
"""Settings that are number types of parts."""
