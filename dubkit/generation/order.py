"""What a film is made of: an order for one film."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.dubbing.diffusion.recipes import NEGATIVE_PROMPT
from dubkit.generation.pipelines import FilmPipeline

if TYPE_CHECKING:
    from torch import Tensor

    from dubkit.dubbing.clip.media import ClipMedia, GivenWave
    from dubkit.ltx.lora import LoRA

RATE = Fraction(24)
"""Frames per second where nothing says otherwise."""
FRAMES = 121
"""Frames where nothing says otherwise."""
OVERLAP = 17
"""Frames that a window repeats of the one before, 8k+1."""


@dataclass(frozen=True, slots=True)
class FilmStill:
    """A picture that the film shows at a frame, from 0.

    `picture` is a file, or (H, W, 3) uint8. A strength of 1 keeps it, 0 leaves the frame to be generated.
    """

    picture: Path | Tensor
    frame: int = 0
    strength: float = 1.0


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Seconds of a clip that are made again, and what of them."""

    start: float
    end: float
    picture: bool = True
    sound: bool = True


@dataclass(frozen=True, slots=True)
class FilmOrder:
    """One film. What is None follows from the rest: a clip's rate and length, the pipeline's size."""

    prompt: str
    negative_prompt: str = NEGATIVE_PROMPT
    seed: int = 42
    height: int | None = None
    """Of the film in pixels: a multiple of 64, or of 32 where there is one stage. The width, too."""
    width: int | None = None
    frames: int | None = None
    """8k+1, or any number where the film has several windows. With `source`, how many frames follow it."""
    rate: Fraction | None = None
    """Frames per second."""
    stills: tuple[FilmStill, ...] = ()
    reference: Path | ClipMedia | None = None
    """A clip that an IC-LoRA follows, frame by frame."""
    reference_strength: float = 1.0
    source: Path | ClipMedia | None = None
    """A clip that the film goes on from, or of which `retake` makes a part again."""
    retake: TimeRange | None = None
    audio: Path | GivenWave | None = None
    """Sound that the film has as it is, and that the picture is made for."""
    audio_start: float = 0.0
    """Seconds of that sound to leave out at its beginning."""
    loras: tuple[LoRA, ...] = ()
    """For both stages, beside those of the model files."""
    pipeline: str | FilmPipeline = "auto"
    """A name in `PIPELINES`, a record of your own, or `auto`, which chooses by the rest of the order."""
    steps: int | None = None
    """Of the first stage, in the pipeline's place."""
    guidance: float | None = None
    """Against the negative prompt, in the pipeline's place; 1 is none."""
    double_rate: bool = False
    """Double frames and rate between the stages with the temporal upsampler: 2n - 1 frames for n."""
    window: int | None = None
    """Most frames made at once, 8k+1; None is as many as last 20 seconds."""
    overlap: int = OVERLAP
    """Frames, 8k+1, that each window takes over from the one before."""
