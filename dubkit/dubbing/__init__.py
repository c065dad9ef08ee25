"""A dub as a diffusion: planned in clips, each made of noise beside its source, and laid back into the film.

What is listed here is imported when it is first used, so that importing the package stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dubkit.dubbing.clip.decode import AUDIO_SAMPLE_RATE
    from dubkit.dubbing.clip.media import ClipMedia, Still
    from dubkit.dubbing.clip.mp4 import encode_video
    from dubkit.dubbing.continuation.blobs import FolderBlobStore
    from dubkit.dubbing.continuation.state import ContinuationState
    from dubkit.dubbing.diffusion.recipes import RECIPES, Recipe
    from dubkit.dubbing.pipeline import JustDubitPipeline
    from dubkit.ltx.lora import LoRA
    from dubkit.ltx.lora import LoRAWithMap as LoraPathStrengthAndSDOps
    from dubkit.ltx.tiling import Tiling
    from dubkit.ltx.tiling import Tiling as TilingConfig

__all__ = [
    "AUDIO_SAMPLE_RATE",
    "RECIPES",
    "ClipMedia",
    "ContinuationState",
    "FolderBlobStore",
    "JustDubitPipeline",
    "LoRA",
    "LoraPathStrengthAndSDOps",
    "Recipe",
    "Still",
    "Tiling",
    "TilingConfig",
    "encode_video",
]

# `LoraPathStrengthAndSDOps` and `TilingConfig` are what the original's code calls them.
_PLACES = {
    "AUDIO_SAMPLE_RATE": "dubkit.dubbing.clip.decode",
    "RECIPES": "dubkit.dubbing.diffusion.recipes",
    "ClipMedia": "dubkit.dubbing.clip.media",
    "ContinuationState": "dubkit.dubbing.continuation.state",
    "FolderBlobStore": "dubkit.dubbing.continuation.blobs",
    "JustDubitPipeline": "dubkit.dubbing.pipeline",
    "LoRA": "dubkit.ltx.lora",
    "LoraPathStrengthAndSDOps": "dubkit.ltx.lora:LoRAWithMap",
    "Recipe": "dubkit.dubbing.diffusion.recipes",
    "Still": "dubkit.dubbing.clip.media",
    "Tiling": "dubkit.ltx.tiling",
    "TilingConfig": "dubkit.ltx.tiling:Tiling",
    "encode_video": "dubkit.dubbing.clip.mp4",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, own = _PLACES[name].partition(":")
    return getattr(importlib.import_module(module), own or name)
