"""Settings of the ComfyUI engine: the table `[dub.comfyui]`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from dubkit.engines.comfyui.presets import PRESETS
from dubkit.settings import Positive, option

DEFAULT_PORT = 8001
DEFAULT_ADDRESS = f"http://127.0.0.1:{DEFAULT_PORT}"

Strength = Annotated[float, msgspec.Meta(ge=-10.0, le=10.0)]


@dataclass(frozen=True, slots=True)
class ComfySettings:
    """Generating with a ComfyUI server."""

    address: str = option(
        "",
        "Address of the ComfyUI server; its port is 8001 where none is named. Empty: this machine, and "
        "--engine auto does not look for it.",
        keyed=False,
        machine=True,
        variables=("COMFY_URL",),
    )
    key: str = option(
        "", "Key that a proxy in front of the server asks for, sent as a bearer token.", secret=True
    )
    preset: str = option(
        "distilled",
        "Steps: full (20 with guidance, then 3), distilled (8, then 3) or preview (4, at half size).",
        choices=lambda: tuple(PRESETS),
        job=True,
    )
    recipe: Literal["lip-dub", "image"] = option(
        "lip-dub",
        "What the picture comes from: lip-dub keeps the source's with new lips, image moves its first frame.",
        job=True,
    )
    upscale: bool = option(
        True, "Whether the second stage doubles the size; off, one stage works at full size.", job=True
    )
    checkpoint: str = option("", "Name of the LTX-2 checkpoint as the server lists it; empty: found by name.")
    text_encoder: str = option("", "Name of the Gemma text encoder on the server; empty: found by name.")
    text_encoder_on: Literal["default", "cpu"] = option(
        "default", "Where the server runs the text encoder: cpu leaves the card to the generator."
    )
    dubbing_lora: str = option("", "Name of the lip-dub IC-LoRA on the server; empty: found by name.")
    distilled_lora: str = option("", "Name of the distilled LoRA on the server; empty: found by name.")
    distilled_strength: Strength = option(
        0.0, "Strength of the distilled LoRA; 0: 0.5 for LTX-2.3, 1 for LTX-2."
    )
    upscaler: str = option("", "Name of the x2 spatial upscaler on the server; empty: found by name.")
    loras: str = option(
        "", "Further LoRAs on the server: names, each with :STRENGTH where it is not 1, commas between them."
    )
    timeout: Positive = option(
        120.0, "Seconds for one whole answer of the server.", keyed=False, machine=True
    )
    time_limit: Positive = option(
        3600.0, "Seconds for one clip, waiting in the queue included; then its job is cancelled.", keyed=False
    )
    away_limit: Positive = option(
        120.0, "Seconds that the server may be away while it makes a clip.", keyed=False
    )
    poll: Positive = option(
        3.0, "Seconds between two looks at a job that sends no events.", keyed=False, machine=True
    )
