"""Settings of clips: how they are planned, and how the embedded generator makes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from dubkit.dubbing.planning.sizes import (
    HANDLE_FRAMES,
    LONGEST,
    MAX_FRAMES,
    MOST_HANDLE_FRAMES,
    SHORTEST,
)
from dubkit.settings import Count, Positive, Seed, Share, option


def recipes() -> Sequence[str]:
    """Return the values of `dub.recipe`."""
    from dubkit.dubbing.diffusion.recipes import RECIPES

    return tuple(RECIPES)


@dataclass(frozen=True, slots=True)
class Dub:
    """Generating picture and voice together."""

    recipe: str = option("justdubit", "How a clip is generated.", job=True, choices=recipes)
    takes: Annotated[int, msgspec.Meta(ge=1, le=50)] = option(
        1,
        "Takes that a line may have which fails its checks, the first among them; the best one is used.",
        flag="--takes",
        job=True,
        keyed=False,
    )
    take_budget: str = option(
        "",
        "What all further takes of an episode may need: `20 calls`, `5 min` or `2.50 USD`; empty: no limit.",
        flag="--take-budget",
        job=True,
        keyed=False,
    )
    lips: Literal["generated", "driven"] = option(
        "generated",
        "Whether lips and voice are generated together, or lips for the speech that a line has anyway.",
        job=True,
    )
    drive: Literal["frozen", "following"] = option(
        "frozen",
        "How given speech drives the picture: clean in every step, or as noisy as the picture.",
        job=True,
    )
    drive_reference: bool = option(
        True, "Let the source's voice be heard beside given speech while the picture is made.", job=True
    )
    drive_bed: Literal["bed", "noise", "none"] = option(
        "bed", "What lies under given speech while the picture is made; the mix does not have it.", job=True
    )
    strict_plugins: bool = option(
        False,
        "Stop where a program that moves lips is missing or fails; otherwise its lines are only spoken, "
        "and marked.",
        flag="--strict-plugins",
    )
    steps: Count = option(0, "Guided steps of the first stage; 0 takes the recipe's.", job=True)
    guidance: Annotated[float, msgspec.Meta(ge=0.0, le=100.0)] = option(
        0.0, "Strength of guidance; 0 takes the recipe's, 1 is none.", job=True
    )
    negative_prompt: str = option(
        "", "What generated clips should not look or sound like; empty takes the original's words.", job=True
    )
    lora_strength: Positive = option(1.0, "Strength of the dubbing LoRA.", job=True)
    loras: str = option(
        "", "Further LoRAs of every clip: paths, each with :STRENGTH where it is not 1, commas between them."
    )
    distilled_strength: Positive = option(
        1.0, "Strength of the distilled LoRA in the second stage.", job=True
    )
    reference_strength: Share = option(
        1.0, "How closely the source's picture and sound are followed.", job=True
    )
    seed: Seed = option(42, "Seed of every clip that has none of its own.", job=True)
    max_frames: Annotated[int, msgspec.Meta(ge=SHORTEST, le=LONGEST)] = option(
        MAX_FRAMES, "Longest clip, 8k+1 frames; a graphics card may hold less.", job=True
    )
    handle_frames: Annotated[int, msgspec.Meta(ge=0, le=MOST_HANDLE_FRAMES)] = option(
        HANDLE_FRAMES, "Frames generated before and after what is kept, where the shot has them.", job=True
    )
    size: Annotated[int, msgspec.Meta(ge=32, le=1024)] = option(
        512, "Shorter side of a 3:2 picture in the first stage; other shapes get as many pixels.", job=True
    )
    paste: Literal["face", "full"] = option(
        "face", "What comes back: the face, or the whole picture.", job=True
    )
    float8: bool = option(False, "Round the full-precision transformer to 8 bit while it is loaded.")
    memory: Literal["auto", "resident", "component", "streaming"] = option(
        "auto", "How much of the generator is on the device at a time.", machine=True
    )
    devices: str = option("auto", "Devices that generate: auto, cpu, cuda, or cuda:0,cuda:1.", machine=True)
