"""From the arguments of a call to one clip's request: media, recipe and sizes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from dubkit.dubbing.clip.media import (
    TRAINED_SECONDS,
    ClipMedia,
    GivenWave,
    Still,
    grid_frames,
    probe_clip,
    read_clip,
    read_given,
)
from dubkit.dubbing.clip.mp4 import exact_rate
from dubkit.dubbing.clip.pixels import read_still
from dubkit.dubbing.continuation.continued import OVERLAP
from dubkit.dubbing.continuation.state import LTX2ContinuationState
from dubkit.dubbing.diffusion.parts import GeneratorUnfit, explained, told_to_nobody
from dubkit.dubbing.diffusion.recipes import JUSTDUBIT, NEGATIVE_PROMPT, STRIDE, Recipe
from dubkit.dubbing.planning.sizes import choose_size
from dubkit.errors import MediaError
from dubkit.ltx.lora import LoRA, reference_downscale
from dubkit.ltx.tiling import Tiling
from dubkit.media.picture.window import shown_size
from dubkit.types import Fit, Tell, remark

DEFAULT_TILING = Tiling()
DEFAULT_RATE = Fraction(25)
LEAST_CROP = 0.01
"""Share of the picture that may fall beside the canvas by rounding to its grid, without a word."""


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
    tell: Tell = told_to_nobody
    """Takes remarks on what the call gets that it did not ask for."""


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


def given_sound(path: Path, media: ClipMedia, tell: Tell) -> GivenWave:
    """Read the sound that a clip's picture is made for, and say where the two are not equally long."""
    given = read_given(path)
    sound, picture = given.wave.shape[1] / given.sample_rate, float(media.real_frames / media.rate)
    if sound > picture + float(1 / media.rate):
        sentence = (
            f"{path} lasts {sound:.2f} s and the clip {picture:.2f} s: the rest of the sound is cut off."
        )
        tell(remark("given-sound-cut", sentence))
    elif sound < picture - float(1 / media.rate):
        sentence = f"{path} lasts {sound:.2f} s and the clip {picture:.2f} s: silence follows it."
        tell(remark("given-sound-short", sentence))
    return given


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
    with explained("num_frames"):
        frames, rate = grid_frames(num_frames), options.rate or DEFAULT_RATE
    if frames != num_frames:
        sentence = f"num_frames {num_frames} is not 8k+1: {frames} frames are made, with their sound."
        options.tell(remark("frames-on-grid", sentence))
    media = ClipMedia(None, None, 1, rate, frames, stills=options.stills)
    return Source(media, options.recipe, height, width)


def _read(path: Path, options: ClipOptions, loras: Sequence[LoRA]) -> Source:
    """Read a clip, and choose the recipe for the LoRAs and the size."""
    episode = probe_clip(path)
    video, rate = episode.video, options.rate
    assert video is not None
    if rate is not None and rate != video.rate:
        sentence = f"{path} has {video.rate} frames per second; it is dubbed at {rate} as asked."
        options.tell(remark("rate-changed", sentence))
    if video.variable:
        sentence = f"{path} changes its frame rate; the dub has {rate or video.rate} throughout."
        options.tell(remark("rate-evened", sentence))
    with explained():
        scales = [reference_downscale(lora.path) for lora in loras]
        recipe = options.recipe.with_(reference_scale=max(scales, default=1))
    width, height = shown_size(video)
    media = read_clip(path, episode, rate=rate)
    seconds = video.frames / float(video.rate)
    if seconds > TRAINED_SECONDS:
        sentence = f"{path} lasts {seconds:.1f} s; the model was trained on up to {TRAINED_SECONDS:.0f} s."
        options.tell(remark("clip-long", sentence))
    if options.height is None and options.width is None:
        fit = _fit(recipe, height, width)
        return Source(replace(media, fit=fit), recipe, fit.height, fit.width)
    times = STRIDE * recipe.reference_scale * (2 if recipe.final_size else 1)
    across = options.width or max(1, round((options.height or 0) * width / height / times)) * times
    down = options.height or max(1, round((options.width or 0) * height / width / times)) * times
    size = _size(recipe, down, across)
    _tell_crop(options, path, (width, height), size)
    return Source(media, recipe, *size)


def _tell_crop(options: ClipOptions, path: Path, shown: tuple[int, int], size: tuple[int, int]) -> None:
    """Say which part of the picture lies outside a canvas (height, width) that it covers."""
    kept = (size[1] / size[0]) / (shown[0] / shown[1])
    lost, sides = (1 - kept, "left and right") if kept < 1 else (1 - 1 / kept, "top and bottom")
    if lost >= LEAST_CROP:
        options.tell(
            remark(
                "picture-cropped",
                f"{path}: {lost:.0%} of the picture is cut off at {sides}, as {size[1]}x{size[0]} has other "
                "proportions. Give neither height nor width, and the whole picture is kept.",
            )
        )


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
