"""From the arguments of a call to one clip's request: media, recipe and sizes."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from dubkit.dubbing.clip.media import ClipMedia, Still, grid_frames, probe_clip, read_clip
from dubkit.dubbing.clip.mp4 import exact_rate
from dubkit.dubbing.clip.pixels import read_still
from dubkit.dubbing.continuation.continued import OVERLAP
from dubkit.dubbing.continuation.state import LTX2ContinuationState
from dubkit.dubbing.diffusion.parts import GeneratorUnfit, explained
from dubkit.dubbing.diffusion.recipes import JUSTDUBIT, NEGATIVE_PROMPT, STRIDE, Recipe
from dubkit.dubbing.planning.sizes import choose_size
from dubkit.errors import MediaError
from dubkit.ltx.lora import LoRA, reference_downscale
from dubkit.ltx.tiling import Tiling
from dubkit.media.picture.window import shown_size
from dubkit.types import Fit

log = logging.getLogger(__name__)

DEFAULT_TILING = Tiling()
DEFAULT_RATE = Fraction(25)


@dataclass(frozen=True, slots=True)
class ClipRequest:
    """One clip to generate."""

    media: ClipMedia
    prompt: str
    negative_prompt: str = NEGATIVE_PROMPT
    seed: int = 42
    height: int = JUSTDUBIT.height
    """Of the first stage in pixels, as the width is."""
    width: int = JUSTDUBIT.width
    recipe: Recipe = JUSTDUBIT
    tiling: Tiling | None = DEFAULT_TILING
    continuation: LTX2ContinuationState | None = None
    """The end of the clip before, where this one goes on in the same shot and begins with it."""
    overlap: int = OVERLAP
    """Frames at this clip's end that the next one is to begin with, 8k+1."""


@dataclass(frozen=True, slots=True)
class ClipOptions:
    """What a call says about picture and sound; None leaves it to the clip or the recipe."""

    recipe: Recipe
    rate: Fraction | None = None
    height: int | None = None
    width: int | None = None
    stills: tuple[Still, ...] = ()


class Source(NamedTuple):
    """What the generator looks at, with the recipe for it and the first stage's size in pixels."""

    media: ClipMedia
    recipe: Recipe
    height: int
    width: int


def adjust_recipe(recipe: Recipe, steps: int | None, guidance: float | None) -> Recipe:
    """Return the recipe with `num_inference_steps` and `cfg_guidance_scale` of a call that names them."""
    changes = {"steps": steps, "guidance": guidance}
    with explained("num_inference_steps or cfg_guidance_scale"):
        return recipe.with_(**{name: value for name, value in changes.items() if value is not None})


def rate_of(frame_rate: Fraction | float | None) -> Fraction | None:
    """Return the frame rate of a call as a fraction."""
    with explained("frame_rate"):
        return None if frame_rate is None else exact_rate(frame_rate)


def read_stills(images: Iterable[tuple[str | Path, int, float]]) -> tuple[Still, ...]:
    """Read pictures named as (path, latent frame, strength)."""
    return tuple(Still(_still(Path(path)), frame, strength) for path, frame, strength in images)


def source_of(
    options: ClipOptions,
    clips: Sequence[tuple[str | Path, float]],
    loras: Sequence[LoRA],
    *,
    first_frame: bool,
) -> Source:
    """Read the only clip, named as (path, strength), of a call that dubs one.

    `first_frame` takes its first frame as a still, where the call names none.
    """
    if len(clips) > 1:
        raise GeneratorUnfit(f"video_conditioning: {len(clips)} clips are given; dub them one by one.")
    path, strength = Path(clips[0][0]), clips[0][1]
    with explained("video_conditioning"):
        recipe = options.recipe.with_(reference_strength=strength)
        # The first frame is taken as firmly as the clip; stills by name have their own strengths.
        recipe = recipe if options.stills else recipe.with_(still_strength=strength)
    source = _read(path, replace(options, recipe=recipe), loras)
    stills = options.stills or (None if first_frame else ())
    return source._replace(media=replace(source.media, stills=stills))


def source_from_prompt(options: ClipOptions, num_frames: int) -> Source:
    """Return the source of a call without a clip: prompt and stills alone make picture and sound."""
    height, width = _size(options.recipe, options.height, options.width)
    frames, rate = grid_frames(num_frames), options.rate or DEFAULT_RATE
    media = ClipMedia(None, None, 1, rate, frames, stills=options.stills)
    return Source(media, options.recipe, height, width)


def _read(path: Path, options: ClipOptions, loras: Sequence[LoRA]) -> Source:
    """Read a clip, and choose the recipe for the LoRAs and the size."""
    episode = probe_clip(path)
    video, rate = episode.video, options.rate
    assert video is not None
    if rate is not None and rate != video.rate:
        log.warning("%s has %s frames per second; it is dubbed at %s as asked", path, video.rate, rate)
    if video.variable:
        log.warning("%s changes its frame rate; the dub has %s throughout", path, rate or video.rate)
    with explained():
        scales = [reference_downscale(lora.path) for lora in loras]
        recipe = options.recipe.with_(reference_scale=max(scales, default=1))
    width, height = shown_size(video)
    media = read_clip(path, episode, rate=rate)
    if options.height is None and options.width is None:
        fit = _fit(recipe, height, width)
        return Source(replace(media, fit=fit), recipe, fit.height, fit.width)
    times = STRIDE * recipe.reference_scale * (2 if recipe.final_size else 1)
    across = options.width or max(1, round((options.height or 0) * width / height / times)) * times
    down = options.height or max(1, round((options.width or 0) * height / width / times)) * times
    return Source(media, recipe, *_size(recipe, down, across))


def _still(path: Path) -> Tensor:
    try:
        return read_still(path)
    except ValueError as error:
        raise MediaError(path, str(error), "Name a PNG or JPEG picture.") from error


def _size(recipe: Recipe, height: int | None, width: int | None) -> tuple[int, int]:
    """Return the first stage's height and width: of those given, else the recipe's."""
    times = 2 if recipe.final_size else 1
    with explained("height and width"):
        return recipe.first_size(height or recipe.height * times, width or recipe.width * times)


def _fit(recipe: Recipe, height: int, width: int) -> Fit:
    """Return a canvas about as large as the recipe's that holds the whole picture."""
    scale = recipe.reference_scale
    fit = choose_size(width, height, pixels=recipe.height * recipe.width // scale**2)
    # The reference's own, smaller canvas is on the grid too.
    sides = (fit.width, fit.height, fit.left, fit.top, fit.scaled_width, fit.scaled_height)
    return Fit(*(side * scale for side in sides))
