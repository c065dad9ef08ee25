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
    "AUDIO_SAMPLE_RATE": "dubkit.dubbing.clip.decode",
    "RECIPES": "dubkit.dubbing.diffusion.recipes",
    "ClipMedia": "dubkit.dubbing.clip.media",
    "ContinuationState": "dubkit.dubbing.continuation.state",
    "FolderBlobStore": "dubkit.dubbing.continuation.blobs",
    "JustDubitPipeline": "dubkit.dubbing.pipeline",
    "LoRA": "dubkit.ltx.lora",
    "Recipe": "dubkit.dubbing.diffusion.recipes",
    "Still": "dubkit.dubbing.clip.media",
    "Tiling": "dubkit.ltx.tiling",
    "encode_video": "dubkit.dubbing.clip.mp4",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_PLACES[name]), name)
