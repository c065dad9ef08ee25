"""What a LoRA that somebody trained says of itself: what it changes, and how other trainers name things."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

SCALE = "reference_downscale_factor"
"""Metadata of a LoRA with a reference: how many times smaller than its target the reference is."""

RENAMED = (
    "Have the trainer save diffusion_model.<layer>.lora_A.weight and .lora_B.weight, or rename the keys so."
)
ALPHA = (
    "Alphas are not read: alpha is taken to equal the rank. Train with alpha equal to the rank, or fold "
    "alpha / rank into lora_B, and leave the alphas out."
)
OTHER_NAMES = re.compile(
    r"(base_model\.model\.|transformer\.|model\.|diffusion_model\.|lora_unet_)?.*"
    r"(\.lora_(A|B|up|down)\.(default\.)?weight|\.lora_(A|B))"
)
"""Names that trainers give to the halves of a pair."""

_JOINS = re.compile(r"\.(audio_to_video|video_to_audio)_attn\.")
_SOUND = re.compile(r"(^|\.)(audio_\w+|av_ca_audio\w*)\.")


def cure_of(foreign: Collection[str]) -> str:
    """Return what to do about keys in another form than is read; empty where nothing is known of them."""
    if all(key.endswith(".alpha") for key in foreign):
        return ALPHA
    halves = [key for key in foreign if not key.endswith(".alpha")]
    return RENAMED if all(OTHER_NAMES.fullmatch(key) for key in halves) else ""


def what_it_changes(layers: Collection[str]) -> str:
    """Say which parts of the network a LoRA's layers belong to: `of picture and sound`; empty for none.

    >>> what_it_changes(["transformer_blocks.0.attn1.to_q", "transformer_blocks.0.audio_ff.net.2"])
    'of picture and sound'
    """
    found = {_part(layer) for layer in layers}
    named = [part for part in ("picture", "sound", "what joins them") if part in found]
    if not named:
        return ""
    return "of " + (f"{', '.join(named[:-1])} and {named[-1]}" if len(named) > 1 else named[0])


def _part(layer: str) -> str:
    if _JOINS.search(f"{layer}."):
        return "what joins them"
    return "sound" if _SOUND.search(f"{layer}.") else "picture"


def reference_size(metadata: Mapping[str, str]) -> str:
    """Say how large the reference of a LoRA is, where its metadata tells and it is not the target's size."""
    scale = metadata.get(SCALE, "1")
    return f"reference {scale} times smaller than the picture" if scale != "1" else ""


def metadata_problems(metadata: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with the metadata of a LoRA, as clauses."""
    scale = metadata.get(SCALE, "1")
    if not scale.isdecimal() or int(scale) < 1:
        yield f"its metadata states {SCALE} {scale!r}, which must be a whole number from 1"
