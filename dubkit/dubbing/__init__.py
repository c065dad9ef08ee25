"""A dub as a diffusion: recipes, conditions, the sampler, and one clip from files to frames and sound.

What is listed here is imported when it is first used, so that importing the package stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dubkit.dubbing.blobs import FolderBlobStore
    from dubkit.dubbing.clip import ClipMedia, Still
    from dubkit.dubbing.continuation import ContinuationState
    from dubkit.dubbing.decode import AUDIO_SAMPLE_RATE, encode_video
    from dubkit.dubbing.pipeline import JustDubitPipeline
    from dubkit.dubbing.recipes import RECIPES, Recipe
    from dubkit.ltx.lora import LoRA
    from dubkit.ltx.tiling import Tiling

__all__ = [
    "AUDIO_SAMPLE_RATE",
    "RECIPES",
    "ClipMedia",
    "ContinuationState",
    "FolderBlobStore",
    "JustDubitPipeline",
    "LoRA",
    "Recipe",
    "Still",
    "Tiling",
    "encode_video",
]

_PLACES = {
    "AUDIO_SAMPLE_RATE": "dubkit.dubbing.decode",
    "RECIPES": "dubkit.dubbing.recipes",
    "ClipMedia": "dubkit.dubbing.clip",
    "ContinuationState": "dubkit.dubbing.continuation",
    "FolderBlobStore": "dubkit.dubbing.blobs",
    "JustDubitPipeline": "dubkit.dubbing.pipeline",
    "LoRA": "dubkit.ltx.lora",
    "Recipe": "dubkit.dubbing.recipes",
    "Still": "dubkit.dubbing.clip",
    "Tiling": "dubkit.ltx.tiling",
    "encode_video": "dubkit.dubbing.decode",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_PLACES[name]), name)
