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
    from dubkit.dubbing.continuation.envelope import ContinuationState
    from dubkit.dubbing.continuation.folder import FolderBlobStore
    from dubkit.dubbing.continuation.remote import RemoteStates
    from dubkit.dubbing.continuation.state import INLINE_THRESHOLD_BYTES as DEFAULT_INLINE_THRESHOLD_BYTES
    from dubkit.dubbing.continuation.state import KIND as LTX2_CONTINUATION_KIND
    from dubkit.dubbing.continuation.state import SCHEMA_VERSION as LTX2_CONTINUATION_SCHEMA_VERSION
    from dubkit.dubbing.continuation.state import LTX2ContinuationState
    from dubkit.dubbing.diffusion.precision import Precision
    from dubkit.dubbing.diffusion.recipes import RECIPES, Recipe
    from dubkit.dubbing.diffusion.refining import RefineOverride, RefinePreset, refine_override_to_dict
    from dubkit.dubbing.diffusion.refining import RefineOverride as LTX2RefineStageOverride
    from dubkit.dubbing.diffusion.refining import RefinePreset as LTX2RefinePresetOverride
    from dubkit.dubbing.pipeline import JustDubitPipeline
    from dubkit.ltx.lora import LoRA
    from dubkit.ltx.lora import LoRAWithMap as LoraPathStrengthAndSDOps
    from dubkit.ltx.tiling import Tiling
    from dubkit.ltx.tiling import Tiling as TilingConfig

__all__ = [
    "AUDIO_SAMPLE_RATE",
    "DEFAULT_INLINE_THRESHOLD_BYTES",
    "LTX2_CONTINUATION_KIND",
    "LTX2_CONTINUATION_SCHEMA_VERSION",
    "RECIPES",
    "ClipMedia",
    "ContinuationState",
    "FolderBlobStore",
    "JustDubitPipeline",
    "LTX2ContinuationState",
    "LTX2RefinePresetOverride",
    "LTX2RefineStageOverride",
    "LoRA",
    "LoraPathStrengthAndSDOps",
    "Precision",
    "Recipe",
    "RefineOverride",
    "RefinePreset",
    "RemoteStates",
    "Still",
    "Tiling",
    "TilingConfig",
    "encode_video",
    "refine_override_to_dict",
]

# `LoraPathStrengthAndSDOps` and `TilingConfig` are what the original's code calls them. The names with LTX2
# and DEFAULT_INLINE_THRESHOLD_BYTES are FastVideo's.
_PLACES = {
    "AUDIO_SAMPLE_RATE": "dubkit.dubbing.clip.decode",
    "RECIPES": "dubkit.dubbing.diffusion.recipes",
    "ClipMedia": "dubkit.dubbing.clip.media",
    "ContinuationState": "dubkit.dubbing.continuation.envelope",
    "DEFAULT_INLINE_THRESHOLD_BYTES": "dubkit.dubbing.continuation.state:INLINE_THRESHOLD_BYTES",
    "FolderBlobStore": "dubkit.dubbing.continuation.folder",
    "JustDubitPipeline": "dubkit.dubbing.pipeline",
    "LTX2ContinuationState": "dubkit.dubbing.continuation.state",
    "LTX2RefinePresetOverride": "dubkit.dubbing.diffusion.refining:RefinePreset",
    "LTX2RefineStageOverride": "dubkit.dubbing.diffusion.refining:RefineOverride",
    "LTX2_CONTINUATION_KIND": "dubkit.dubbing.continuation.state:KIND",
    "LTX2_CONTINUATION_SCHEMA_VERSION": "dubkit.dubbing.continuation.state:SCHEMA_VERSION",
    "LoRA": "dubkit.ltx.lora",
    "LoraPathStrengthAndSDOps": "dubkit.ltx.lora:LoRAWithMap",
    "Precision": "dubkit.dubbing.diffusion.precision",
    "Recipe": "dubkit.dubbing.diffusion.recipes",
    "RefineOverride": "dubkit.dubbing.diffusion.refining",
    "RefinePreset": "dubkit.dubbing.diffusion.refining",
    "RemoteStates": "dubkit.dubbing.continuation.remote",
    "Still": "dubkit.dubbing.clip.media",
    "Tiling": "dubkit.ltx.tiling",
    "TilingConfig": "dubkit.ltx.tiling:Tiling",
    "encode_video": "dubkit.dubbing.clip.mp4",
    "refine_override_to_dict": "dubkit.dubbing.diffusion.refining",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, own = _PLACES[name].partition(":")
    return getattr(importlib.import_module(module), own or name)
