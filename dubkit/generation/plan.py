"""From an order to a plan: the pipeline and why, the size, the windows, and everything that is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import torch
from torch import Tensor

from dubkit.dubbing.clip import pixels
from dubkit.dubbing.clip.media import ClipMedia, GivenWave, grid_frames, read_clip, read_given
from dubkit.dubbing.diffusion.parts import GeneratorUnfit, explained
from dubkit.errors import MediaError
from dubkit.generation import sizes
from dubkit.generation.order import FRAMES, RATE, FilmOrder, FilmStill, TimeRange
from dubkit.generation.parts import FilmParts, check_loras
from dubkit.generation.pipelines import (
    AUDIO,
    CHAINED,
    DISTILLED_FILM,
    IC_LORA,
    KEYFRAMES,
    PIPELINES,
    RETAKE,
    TWO_STAGES,
    FilmPipeline,
)
from dubkit.generation.sizes import FilmWindow
from dubkit.ltx.lora import LoRA, reference_downscale
from dubkit.ltx.weights import Checkpoint
from dubkit.types import Fit, remark


@dataclass(frozen=True, slots=True)
class FilmPlan:
    """A film before anything heavy is opened."""

    order: FilmOrder
    pipeline: FilmPipeline
    why: str
    height: int
    """Of the canvas, as the width is."""
    width: int
    rate: Fraction
    """Before any doubling."""
    frames: int
    """Of the whole film, before any doubling."""
    windows: tuple[FilmWindow, ...]
    stills: tuple[FilmStill, ...] = ()
    """With their pictures read."""
    fit: Fit | None = None
    """Where a clip's picture lies on the canvas; None covers the canvas with it."""
    source: ClipMedia | None = None
    reference: Tensor | None = None
    """(F, H, W, 3), uint8."""
    reference_scale: int = 1
    sound: GivenWave | None = None
    """From the film's first frame on."""

    @property
    def factor(self) -> int:
        """2 where frames and rate are doubled."""
        return 2 if self.order.double_rate else 1


def plan_film(order: FilmOrder, parts: FilmParts) -> FilmPlan:
    """Read what an order names, choose the pipeline, and hold everything against each other.

    Raises:
        MediaError: a picture, clip or sound cannot be read.
        GeneratorUnfit: values that do not fit each other; says which would.
        ModelMissing: a model file that the pipeline needs is not there.
    """
    check_loras(order.loras)
    source, reference = (_read_clip(clip) for clip in (order.source, order.reference))
    sound = _read_sound(order)
    _check_together(order)
    rate = order.rate or _rate_of(source) or _rate_of(reference) or RATE
    longest = order.window or sizes.longest_window(rate)
    _check_windows(order, longest)
    loras = (*parts.files.loras, *order.loras)
    frames = _frames(order, source, reference, sound, rate)
    first = 0 if source is None else source.real_frames
    pipeline, why = choose(order, loras, frames if source is None else first + frames, longest, rate)
    if parts.distilled and order.pipeline == "auto" and pipeline is TWO_STAGES:
        pipeline, why = DISTILLED_FILM, "The checkpoint is a distilled one."
    pipeline = _adjusted(parts.fitted(pipeline), order)
    parts.check(pipeline, double_rate=order.double_rate)
    stills = tuple(_read_still(still) for still in order.stills)
    plan = FilmPlan(order, pipeline, why, 0, 0, rate, frames, (), stills, sound=sound)
    if reference is not None:
        with explained("loras"):
            scale = max((reference_downscale(lora.path) for lora in loras), default=1)
        plan = replace(plan, reference=reference.pictures, reference_scale=scale)
    plan = replace(_sized(plan, source, parts), source=source)
    if order.retake is not None and source is not None:
        return _retaken(plan, source, order.retake, longest)
    total = first + frames
    windows = sizes.windows_of(first, total, longest, order.overlap)
    if source is None and len(windows) == 1:
        sizes.check_on_grid("The number of frames", frames)
    _check_stills(plan, total, first)
    return replace(plan, frames=total, windows=windows)


# --- which pipeline -----------------------------------------------------------------------------


def choose(
    order: FilmOrder, loras: Iterable[LoRA], frames: int, longest: int, rate: Fraction
) -> tuple[FilmPipeline, str]:
    """Return the pipeline of an order of so many frames, and a sentence that says why.

    Raises:
        GeneratorUnfit: an unknown name, or a pipeline that lacks what it needs.
    """
    lora = next((lora for lora in loras if is_ic_lora(lora.path)), None)
    if isinstance(order.pipeline, FilmPipeline):
        pipeline, why = order.pipeline, "You gave it."
    elif order.pipeline == "auto":
        pipeline, why = _by_order(order, lora, frames, longest, rate)
    elif order.pipeline in PIPELINES:
        pipeline, why = PIPELINES[order.pipeline], "You chose it."
    else:
        names = ", ".join(("auto", *PIPELINES))
        raise GeneratorUnfit(f"There is no pipeline {order.pipeline!r}; there is {names}.")
    cures = {
        "stills": "at least one still",
        "reference": "a reference clip",
        "audio": "a sound file",
        "source": "a clip and a time range",
    }
    there = {
        "stills": bool(order.stills),
        "reference": order.reference is not None,
        "audio": order.audio is not None,
        "source": order.source is not None and order.retake is not None,
    }
    for need in pipeline.needs:
        if not there[need]:
            reason = f": {lora.path} is an IC-LoRA" if need == "reference" and lora else ""
            raise GeneratorUnfit(f"{pipeline.name} needs {cures[need]}{reason}.\nGive one.")
    if order.reference is not None and not any(True for _ in loras):
        raise GeneratorUnfit(
            "A reference clip needs a LoRA that was trained to follow one (an IC-LoRA), and none is given.\n"
            "Name its file, or leave the reference clip out."
        )
    return pipeline, why


def _by_order(
    order: FilmOrder, lora: LoRA | None, frames: int, longest: int, rate: Fraction
) -> tuple[FilmPipeline, str]:
    places = {still.frame for still in order.stills}
    if order.retake is not None:
        return RETAKE, "A time range of a clip is made again."
    if order.audio is not None:
        return AUDIO, "The sound is given."
    if len(places) > 1:
        return KEYFRAMES, f"There are stills at {len(places)} different frames."
    if order.reference is not None:
        return IC_LORA, "There is a reference clip."
    if lora is not None:
        return IC_LORA, f"{lora.path.name} is an IC-LoRA."
    if order.source is not None:
        return CHAINED, "The film goes on from a clip."
    if frames > longest:
        return (
            CHAINED,
            f"{frames} frames are more than the {longest} that are made at once at {rate} a second.",
        )
    return TWO_STAGES, "Nothing asks for another one."


def is_ic_lora(path: Path) -> bool:
    """Tell whether a LoRA was trained to follow a reference clip: its header or its name says so."""
    if not path.is_file():
        return False
    with explained():
        stated = "reference_downscale_factor" in Checkpoint(path).metadata
    return stated or "ic-lora" in path.name.lower().replace("_", "-")


def _adjusted(pipeline: FilmPipeline, order: FilmOrder) -> FilmPipeline:
    """Return the pipeline with the order's own steps and guidance."""
    with explained("steps or guidance"):
        if order.steps is not None:
            pipeline = pipeline.with_(steps=order.steps)
        if order.guidance is not None:
            same = pipeline.sound_guidance.cfg == pipeline.guidance.cfg
            pipeline = pipeline.with_(
                guidance=pipeline.guidance._replace(cfg=order.guidance),
                sound_guidance=pipeline.sound_guidance._replace(cfg=order.guidance)
                if same
                else pipeline.sound_guidance,
            )
    return pipeline


def _check_together(order: FilmOrder) -> None:
    """Refuse parts of an order that exclude each other."""
    if order.retake is not None and order.source is None:
        raise GeneratorUnfit("A time range is to be made again, and no clip is given.\nGive the clip.")
    if order.audio is not None and order.source is not None and order.retake is None:
        raise GeneratorUnfit(
            "A film that goes on from a clip goes on with its sound, and another sound is given.\n"
            "Leave out the clip or the sound."
        )
    if order.source is not None and order.double_rate:
        raise GeneratorUnfit(
            "The frames of a clip that is there cannot be doubled.\nLeave out the clip or the doubling."
        )
    if order.audio_start < 0.0 or (order.audio_start and order.audio is None):
        raise GeneratorUnfit(
            f"audio_start is {order.audio_start}: it is the second, from 0, at which a given sound begins."
        )
    frames = [still.frame for still in order.stills]
    for frame in frames:
        if frames.count(frame) > 1:
            raise GeneratorUnfit(f"{frames.count(frame)} stills are for frame {frame}; give one.")
    for still in order.stills:
        if not 0.0 <= still.strength <= 1.0:
            raise GeneratorUnfit(f"A still's strength is {still.strength}, not from 0 to 1.")


# --- what is read -------------------------------------------------------------------------------


def _read_clip(clip: Path | ClipMedia | None) -> ClipMedia | None:
    if clip is None or isinstance(clip, ClipMedia):
        return clip
    from dubkit.media.files.probe import probe

    episode = probe(clip)
    if episode.video is None:
        raise MediaError(clip, "it has no picture", "Name a film.")
    return read_clip(clip, episode)


def _rate_of(clip: ClipMedia | None) -> Fraction | None:
    return None if clip is None else clip.rate


def _read_sound(order: FilmOrder) -> GivenWave | None:
    if order.audio is None:
        return None
    given = order.audio if isinstance(order.audio, GivenWave) else read_given(order.audio)
    begin = round(order.audio_start * given.sample_rate)
    if begin >= given.wave.shape[1]:
        seconds = given.wave.shape[1] / given.sample_rate
        raise GeneratorUnfit(f"The sound lasts {seconds:.2f} s, and {order.audio_start:.2f} s are left out.")
    return GivenWave(given.wave[:, begin:], given.sample_rate)


def _read_still(still: FilmStill) -> FilmStill:
    if not isinstance(still.picture, Path):
        return still
    try:
        return replace(still, picture=pixels.read_still(still.picture))
    except ValueError as error:
        raise MediaError(still.picture, str(error), "Name a PNG or JPEG picture.") from error


# --- size and length ----------------------------------------------------------------------------


def _frames(
    order: FilmOrder,
    source: ClipMedia | None,
    reference: ClipMedia | None,
    sound: GivenWave | None,
    rate: Fraction,
) -> int:
    """Return how many frames are made, before any doubling."""
    if order.frames is not None:
        if order.frames < 1:
            raise GeneratorUnfit(f"A film has at least 1 frame, not {order.frames}.")
        return order.frames
    if order.retake is not None and source is not None:
        return source.real_frames
    if reference is not None:
        return sizes.on_grid_below(reference.real_frames)
    if sound is not None:
        return grid_frames(max(1, -(-sound.wave.shape[1] * rate // sound.sample_rate)))
    return FRAMES


def _check_windows(order: FilmOrder, longest: int) -> None:
    sizes.check_on_grid("The longest window", longest)
    sizes.check_on_grid("The overlap", order.overlap)
    if order.overlap >= longest:
        raise GeneratorUnfit(
            f"An overlap of {order.overlap} frames leaves none to make in windows of {longest}."
        )


def _check_stills(plan: FilmPlan, total: int, first: int) -> None:
    for still in plan.stills:
        if not first <= still.frame < total:
            raise GeneratorUnfit(
                f"A still is for frame {still.frame}, and the film makes frames {first} to {total - 1}."
            )


def _sized(plan: FilmPlan, source: ClipMedia | None, parts: FilmParts) -> FilmPlan:
    """Return the plan with its size: what is asked for, else what a clip or still suggests."""
    order, step = plan.order, plan.pipeline.step_of_size
    if order.height is None and order.width is None and source is not None:
        assert source.pictures is not None
        fit = sizes.canvas(source.pictures.shape[2], source.pictures.shape[1], step)
        return replace(plan, height=fit.height, width=fit.width, fit=fit)
    shown = _shown(plan, source)
    height, width = sizes.size_like(*(shown or (768, 512)), plan.pipeline.stages)
    if (order.height is None) != (order.width is None):
        across, down = shown or (768, 512)
        height = order.height or max(1, round((order.width or 0) * down / across / step)) * step
        width = order.width or max(1, round(height * across / down / step)) * step
    elif order.height is not None and order.width is not None:
        height, width = order.height, order.width
    times = step * (plan.reference_scale if plan.reference is not None else 1)
    sizes.check_size(height, width, times, plan.pipeline.name)
    if shown is not None:
        kept = width / height / (shown[0] / shown[1])
        lost = 1 - min(kept, 1 / kept)
        if lost >= 0.01:
            sentence = f"{lost:.0%} of the given picture is cut off: the film is {width}x{height}."
            parts.tell(remark("picture-cropped", sentence))
    return replace(plan, height=height, width=width)


def _shown(plan: FilmPlan, source: ClipMedia | None) -> tuple[int, int] | None:
    """Return width and height of the picture that decides the film's proportions."""
    pictures: list[Tensor | None] = [None if source is None else source.pictures, plan.reference]
    pictures += [still.picture[None] for still in plan.stills if isinstance(still.picture, Tensor)]
    shapes = [picture.shape for picture in pictures if picture is not None]
    return (shapes[0][2], shapes[0][1]) if shapes else None


def _retaken(plan: FilmPlan, source: ClipMedia, part: TimeRange, longest: int) -> FilmPlan:
    """Return the plan of a clip of which a part is made again, in one window around that part."""
    frames, rate = source.real_frames, plan.rate
    seconds = float(frames / rate)
    if plan.order.frames not in (None, frames):
        raise GeneratorUnfit(f"The clip has {frames} frames, and the film as many.\nLeave frames out.")
    if not 0.0 <= part.start < part.end or part.start >= seconds:
        raise GeneratorUnfit(
            f"The range {part.start:g} to {part.end:g} s is not within the clip's {seconds:.2f} s."
        )
    if not (part.picture or part.sound):
        raise GeneratorUnfit("Neither picture nor sound of the range is to be made again.")
    _check_stills(plan, frames, 0)
    begin, end = int(part.start * rate), min(frames, -int(-min(part.end, seconds) * rate // 1))
    if grid_frames(frames) <= longest:
        window = FilmWindow(0, grid_frames(frames), 0)
    else:
        if end - begin > longest:
            raise GeneratorUnfit(
                f"The range has {end - begin} frames, and {longest} are made at once.\nMake it in parts."
            )
        start = min(max(0, (begin + end - longest) // 2), frames - longest)
        window = FilmWindow(start, longest, 0)
    return replace(plan, source=source, frames=frames, windows=(window,))


def window_of(pictures: Tensor, start: int, frames: int) -> Tensor:
    """Return pictures (frames, H, W, 3) from `start` on, continued with the last one."""
    part = pictures[start : start + frames]
    if not len(part):
        part = pictures[-1:]
    return torch.cat([part, part[-1:].expand(frames - len(part), -1, -1, -1)])
