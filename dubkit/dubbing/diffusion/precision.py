"""The number type that each part of the generator works in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal, get_args

import torch

NumberType = Literal["auto", "bfloat16", "float32"]
TransformerType = Literal["auto", "bfloat16", "float32", "float8"]
PartName = Literal["transformer", "text_encoder", "video", "audio", "vocoder", "upsampler"]


@dataclass(frozen=True, slots=True)
class Precision:
    """A number type for each part; `auto` is bfloat16 on CUDA and float32 elsewhere.

    Raises:
        ValueError: a type that the part cannot have; says which it can.
    """

    transformer: TransformerType = "auto"
    """float8 rounds the linears of its blocks, and keeps everything else in `auto`'s type."""
    text_encoder: NumberType = "auto"
    video: NumberType = "auto"
    """Encoder and decoder of the picture."""
    audio: NumberType = "auto"
    """Encoder and decoder of the sound's latents."""
    vocoder: NumberType = "auto"
    upsampler: NumberType = "auto"

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            known = get_args(TransformerType if entry.name == "transformer" else NumberType)
            if value == "float8" and value not in known:
                raise ValueError(
                    f"The {_words(entry.name)} cannot work in float8, which only the transformer's blocks "
                    "can: choose bfloat16 or float32."
                )
            if value not in known:
                raise ValueError(
                    f"The {_words(entry.name)} cannot work in {value!r}: choose {', '.join(known)}."
                )

    @classmethod
    def named(cls, types: Mapping[str, str]) -> Precision:
        """Return the types of parts by name. Raises ValueError for an unknown part or type."""
        unknown = sorted(types.keys() - set(get_args(PartName)))
        if unknown:
            raise ValueError(
                f"There is no part {', '.join(unknown)}; the parts are {', '.join(get_args(PartName))}."
            )
        return cls(**types)  # type: ignore[arg-type]

    @property
    def float8(self) -> bool:
        """Whether the transformer's blocks are rounded to float8 while they are loaded."""
        return self.transformer == "float8"

    def dtype(self, part: PartName, device: torch.device) -> torch.dtype:
        """Return what a part's tensors are in on a device."""
        chosen = getattr(self, part)
        if chosen in ("auto", "float8"):
            return torch.bfloat16 if device.type == "cuda" else torch.float32
        return torch.bfloat16 if chosen == "bfloat16" else torch.float32


def _words(part: str) -> str:
    return {"video": "video autoencoder", "audio": "audio autoencoder"}.get(part, part.replace("_", " "))
