"""Which engine makes the dub, and which files and devices the generator has."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.chain.stage import Setup, Sink
from dubkit.engines.justdubit.record import (
    CHECKPOINT,
    DISTILLED_LORA,
    DUBBING_LORA,
    ENGINE,
    TEXT,
    UPSCALER,
)
from dubkit.episode.context import Context
from dubkit.errors import DubkitError, GeneratorError, SettingError
from dubkit.types import Clip
from stages.shared.engine import choose_engine

if TYPE_CHECKING:
    from dubkit.dubbing.diffusion.recipes import Recipe
    from dubkit.engines.justdubit.attempts import ClipAttempt
    from dubkit.engines.justdubit.opening import DeviceGenerator, StageName
    from dubkit.engines.justdubit.steps import ClipJob


def generator_runs(setup: Setup) -> bool:
    """Tell whether the embedded generator makes the takes, so that its stages take part."""
    return choose_engine(setup).engine is ENGINE


def generates(context: Context) -> bool:
    """Tell whether the embedded generator makes clips in this run."""
    return generator_runs(context) and context.episode.video is not None


def recipe(context: Context) -> Recipe:
    """Return the recipe with the values of the settings. Raises SettingError for values it cannot have."""
    from dubkit.dubbing.diffusion.recipes import RECIPES

    wanted = context.settings.dub
    # 0 leaves the recipe's own value.
    changes = {"steps": wanted.steps, "guidance": wanted.guidance}
    changed = {name: value for name, value in changes.items() if value != 0}
    try:
        chosen = RECIPES[wanted.recipe].with_(**changed)
    except ValueError as error:
        raise SettingError("dub", changed, "does not fit: " + str(error).rstrip(".")) from error
    return chosen.with_(reference_strength=wanted.reference_strength)


def own_seed(context: Context, clip: Clip) -> int | None:
    """Return the seed that a person's new take gave a clip: that of the first of its lines that has one."""
    edits = (context.placed.lines.get(line) for line in clip.lines)
    return next((edit.seed for edit in edits if edit is not None and edit.seed is not None), None)


def clip_seed(context: Context, clip: Clip) -> int:
    """Return the seed that a clip is generated with."""
    own = own_seed(context, clip)
    return context.settings.dub.seed if own is None else own


def identities(context: Context, *roles: str) -> dict[str, str]:
    """Return the models of some roles as they enter keys."""
    found = {}
    for role in roles:
        model = context.model(role)
        found[role] = model.identity if model else "none"
    return found


def open_generator(context: Context, device: str) -> DeviceGenerator:
    """Return the generator on a device; nothing is loaded yet."""
    from dubkit.dubbing.diffusion.parts import Files
    from dubkit.engines.justdubit.opening import DeviceGenerator, Options
    from dubkit.ltx.lora import LoRA

    wanted = context.settings.dub
    files = Files(
        _path(context, CHECKPOINT),
        _path(context, UPSCALER),
        _path(context, TEXT),
        (LoRA(_path(context, DUBBING_LORA), wanted.lora_strength),),
        LoRA(_path(context, DISTILLED_LORA), wanted.distilled_strength),
    )
    return DeviceGenerator(files, Options(recipe(context), wanted.float8, wanted.memory), device)


def _path(context: Context, role: str) -> Path:
    model = context.models.fetch(role)
    return context.model_folder(model) if role == TEXT else context.model_path(model)


def devices(context: Context) -> Sequence[str]:
    """Return the devices that generate."""
    from dubkit.engines.devices import visible_devices

    own = context.settings.dub.devices
    if own == "auto":
        return visible_devices(context.settings.device)
    return visible_devices(own, name="dub.devices")


def failure(clip: str, error: Exception) -> DubkitError:
    """Return what is recorded of a clip that could not be made."""
    if isinstance(error, DubkitError):
        return error
    return GeneratorError(f"Clip {clip}: {error}")


def operations(context: Context, clips: Sequence[Clip], stage: StageName) -> float:
    """Return the TFLOP of the transformer's work on some clips, by the closed form of a forward pass."""
    if not clips:
        return 0.0
    from dubkit.dubbing.diffusion.cost import clip_flops
    from dubkit.ltx.config import read_transformer
    from dubkit.ltx.metadata import parse_metadata
    from dubkit.models.weights.header import read_header

    path = _path(context, CHECKPOINT)
    config = read_transformer(parse_metadata(read_header(path).metadata, str(path)))
    chosen = recipe(context)
    video = context.picture
    passes = len(chosen.second_levels) - 1
    if stage == "first":
        passes = chosen.steps * (2 if chosen.negative_prompt else 1)
    return sum(passes * clip_flops(config, clip, video.rate, stage) for clip in clips) / 1e12


def megapixels(clips: Iterable[Clip]) -> float:
    """Return the pixels of some clips at the first stage's size, in millions."""
    return sum(clip.frames * clip.fit.width * clip.fit.height for clip in clips) / 1e6


def over_clips(
    context: Context, stage: StageName, jobs: Sequence[ClipJob], sink: Sink
) -> Iterator[tuple[ClipJob, ClipAttempt]]:
    """Do the transformer's work of a stage on every clip; several devices share the chains of clips.

    Raises GeneratorError when the files do not work.
    """
    from dubkit.engines.devices import run_on_devices
    from dubkit.engines.justdubit.attempts import ChainWorker, ClipAttempt, StageWork, token_count

    generator = open_generator(context, "cpu")
    work = StageWork(
        generator.parts.files, generator.options, stage, max(token_count(job.clip, stage) for job in jobs)
    )
    by_clip = {job.clip.id: job for job in jobs}
    names, chains = devices(context), _chains(jobs)
    try:
        if min(len(names), len(chains)) <= 1:
            for attempt in work.over(names[0], jobs, lambda _, step, of: sink.advance(step / of)):
                yield by_clip[attempt.clip], attempt
            return
        sink.say(f"{stage} stage: {len(chains)} chains of clips on {', '.join(names)}")
        for chain, result in run_on_devices(names, partial(ChainWorker, work), chains):
            ended = (
                result if isinstance(result, list) else [ClipAttempt(j.clip.id, "", result) for j in chain]
            )
            for attempt in ended:
                yield by_clip[attempt.clip], attempt
    except ValueError as error:
        raise GeneratorError(str(error)) from error


def _chains(jobs: Sequence[ClipJob]) -> list[tuple[ClipJob, ...]]:
    """Put clips that follow each other together: the later one needs the earlier one's latents."""
    chains: list[list[ClipJob]] = []
    for job in jobs:
        chain = next((c for c in chains if c[-1].clip.id == job.clip.follows), None)
        if chain is None:
            chains.append([job])
        else:
            chain.append(job)
    return [tuple(chain) for chain in chains]


def keep_clips(
    context: Context, stage: StageName, jobs: Sequence[ClipJob], place: Callable[[str], str], sink: Sink
) -> None:
    """Do the work and keep every clip's latents as soon as they are there."""
    for job, attempt in over_clips(context, stage, jobs, sink):
        name = job.clip.id
        if attempt.error is not None:
            sink.fail(name, failure(name, attempt.error))
            continue
        with sink.write(place(name)) as temporary:
            shutil.copyfile(job.out, temporary)
        sink.done(name, files=[place(name)], value={"memory": attempt.note} if attempt.note else None)
